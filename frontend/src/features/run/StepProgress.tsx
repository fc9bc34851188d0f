import { useTranslation } from "react-i18next";

import type { Progress } from "@/api/runs";
import { locale } from "@/words/i18n";

import styles from "./StepProgress.module.css";

/** How far a step is that tells it: a bar with words, or only words when the end is not known. */
export function StepProgress({ step, progress }: { step: string; progress: Progress }) {
  const { t, i18n } = useTranslation();
  const shown = new Intl.NumberFormat(locale(i18n.language));
  const done = shown.format(progress.done);
  if (progress.total === null) return <span className="dimmed">{t("run.soFar", { done })}</span>;
  return (
    <span className={styles.progress}>
      <progress
        value={progress.done}
        max={Math.max(progress.total, 1)}
        aria-label={t("run.progress", { step })}
      />
      {t("run.doneOf", { done, total: shown.format(progress.total) })}
    </span>
  );
}
