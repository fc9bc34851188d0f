import { useTranslation } from "react-i18next";

import type { Job } from "@/api/types";
import { LOOKS, type RunState } from "@/domain/states";

import styles from "./RecentRuns.module.css";

const LOWEST = 0.18;

/** The last runs as bars, the newest at the right: higher took longer, and a failure is hollow. */
export function RecentRuns({ runs }: { runs: Job["recent_runs"] }) {
  const { t } = useTranslation();
  if (runs.length < 2) return null;
  const longest = Math.max(...runs.map((run) => run.seconds ?? 0), 0.001);
  const counts = new Map<RunState, number>();
  for (const run of runs) counts.set(run.state, (counts.get(run.state) ?? 0) + 1);
  const words = [...counts].map(([state, count]) => `${count} × ${t(`states.${state}`)}`);
  return (
    <span
      className={styles.bars}
      role="img"
      aria-label={`${t("jobs.recent")}: ${words.join(", ")}`}
      title={words.join(", ")}
    >
      {runs.map((run) => (
        <span
          key={run.run_id}
          data-tone={LOOKS[run.state].tone}
          style={{ height: `${Math.max(LOWEST, (run.seconds ?? 0) / longest) * 100}%` }}
        />
      ))}
    </span>
  );
}
