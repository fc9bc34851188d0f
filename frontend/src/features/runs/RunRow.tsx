import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import type { Run } from "@/api/types";
import { Ago, StateShown, Took, TriggerShown } from "@/words/shown";

import styles from "./RunRow.module.css";

/** One run; the whole row leads to its page. */
export function RunRow({ run }: { run: Run }) {
  const { t } = useTranslation();
  const at = run.started_at ?? run.scheduled_at;
  return (
    <li className={styles.row}>
      <span className={styles.state}>
        <StateShown state={run.state} />
      </span>
      <span className={styles.job}>
        <Link to="/runs/$runId" params={{ runId: String(run.run_id) }}>
          {run.job_id} <span className={styles.id}>#{run.run_id}</span>
        </Link>
        {run.reason !== null && <span className={styles.reason}>{run.reason}</span>}
      </span>
      <span className={styles.trigger}>
        <TriggerShown triggeredBy={run.triggered_by} />
      </span>
      <span className={styles.started}>{at === null ? t("runs.notStarted") : <Ago at={at} />}</span>
      <span className={styles.took}>
        <Took start={run.started_at} end={run.finished_at} />
      </span>
    </li>
  );
}
