import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { RunDetail } from "@/api/types";
import { dayAndTime } from "@/domain/time";
import { LOOKS } from "@/domain/states";
import { Json } from "@/ui/Json";
import { StateShown, Took, TriggerShown } from "@/words/shown";
import { locale } from "@/words/i18n";

import styles from "./RunHead.module.css";
import { useStory } from "./useStory";

/** Which run it is, what happened in one sentence, and when. */
export function RunHead({ run }: { run: RunDetail }) {
  const { t, i18n } = useTranslation();
  const time = (at: string) => dayAndTime(Date.parse(at), locale(i18n.language));
  return (
    <header className={`card ${styles.head}`} data-tone={LOOKS[run.state].tone}>
      <div className={styles.which}>
        <h1>
          <Link
            to="/runs"
            search={{ job: run.job_id }}
            aria-label={t("jobs.runsOf", { job: run.job_id })}
          >
            {run.job_id}
          </Link>{" "}
          <span className={styles.id}>#{run.run_id}</span>
        </h1>
        <StateShown state={run.state} />
      </div>
      <p className={styles.story} role="status">
        {useStory(run)}
      </p>
      <dl className={styles.facts}>
        <Fact name={t("run.trigger")}>
          <TriggerShown triggeredBy={run.triggered_by} />
        </Fact>
        {run.scheduled_at !== null && <Fact name={t("run.due")}>{time(run.scheduled_at)}</Fact>}
        {run.started_at !== null && <Fact name={t("run.started")}>{time(run.started_at)}</Fact>}
        {run.finished_at !== null && <Fact name={t("run.finished")}>{time(run.finished_at)}</Fact>}
        {run.started_at !== null && (
          <Fact name={t("run.duration")}>
            <Took start={run.started_at} end={run.finished_at} />
          </Fact>
        )}
      </dl>
      {Object.keys(run.params).length > 0 && (
        <details className={styles.params}>
          <summary>{t("run.params")}</summary>
          <Json value={run.params} />
        </details>
      )}
    </header>
  );
}

function Fact(props: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
