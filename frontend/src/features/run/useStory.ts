import { useTranslation } from "react-i18next";

import type { RunDetail } from "@/api/types";
import { isFinal } from "@/domain/states";
import { story, type Story } from "@/domain/story";
import { duration } from "@/domain/time";
import { useNow } from "@/ui/useNow";
import { locale } from "@/words/i18n";

/** The sentence that says what happened to the run, in the reader's language. */
export function useStory(run: RunDetail): string {
  const { t, i18n } = useTranslation();
  const now = useNow(!isFinal(run.state));
  const told: Story & Facts = story(run, now);
  return t(`story.${told.sentence}`, {
    ...told,
    count: told.count ?? 0,
    duration: duration(told.ms ?? 0, locale(i18n.language)),
    reason: told.reason ?? t("story.noReason"),
  });
}

type Facts = { ms?: number; count?: number; reason?: string | null };
