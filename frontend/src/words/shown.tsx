import { useTranslation } from "react-i18next";

import { LOOKS, type State } from "@/domain/states";
import { absolute, duration, elapsed, relative } from "@/domain/time";
import { trigger } from "@/domain/trigger";
import { Instant } from "@/ui/Instant";
import { StateMark } from "@/ui/StateMark";
import { useNow } from "@/ui/useNow";

import { locale } from "./i18n";

/** A state with its shape and name. */
export function StateShown(props: { state: State; size?: number; isBare?: boolean }) {
  const { t } = useTranslation();
  const { state, ...rest } = props;
  return <StateMark {...LOOKS[state]} {...rest} label={t(`states.${state}`)} />;
}

/** How long ago or until then; ticks. */
export function Ago(props: { at: string }) {
  const { t, i18n } = useTranslation();
  const at = Date.parse(props.at);
  const now = useNow();
  const isNow = Math.abs(at - now) < 1000;
  const words = isNow ? t("time.now") : relative(at, now, locale(i18n.language));
  return <Instant at={at} words={words} exact={absolute(at, locale(i18n.language))} />;
}

/** How long it took, or takes until now; a dash before it began. */
export function Took(props: { start: string | null; end: string | null }) {
  const { i18n } = useTranslation();
  const now = useNow(props.start !== null && props.end === null);
  const ms = elapsed(props.start, props.end, now);
  return <>{ms === null ? "–" : duration(ms, locale(i18n.language))}</>;
}

/** Who or what started a run. */
export function TriggerShown(props: { triggeredBy: string }) {
  const { t } = useTranslation();
  const { kind, name } = trigger(props.triggeredBy);
  return <>{t(`triggers.${kind}`, { name })}</>;
}
