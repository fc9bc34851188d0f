import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import type { BrokenJob, Job } from "@/api/types";
import { StateMark } from "@/ui/StateMark";
import { Ago, StateShown } from "@/words/shown";

import styles from "./JobRow.module.css";
import { RecentRuns } from "./RecentRuns";

export function JobRow({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <li className={styles.row}>
      <div className={styles.what}>
        <h2>
          <Link
            to="/runs"
            search={{ job: job.job_id }}
            aria-label={t("jobs.runsOf", { job: job.job_id })}
          >
            {job.job_id}
          </Link>
          {job.tags.map((tag) => (
            <span key={tag} className={styles.tag}>
              {tag}
            </span>
          ))}
        </h2>
        {job.description !== null && <p className="dimmed">{job.description}</p>}
        {job.alarm !== null && <StateMark tone="warning" glyph="alarm" label={job.alarm} />}
      </div>
      <dl className={styles.facts}>
        <div>
          <dt>{t("jobs.schedule")}</dt>
          <dd>
            <ScheduleShown job={job} />
          </dd>
        </div>
        <div>
          <dt>{t("jobs.next")}</dt>
          <dd>{job.next_due_at === null ? "–" : <Ago at={job.next_due_at} />}</dd>
        </div>
        <div>
          <dt>{t("jobs.last")}</dt>
          <dd>
            <LastRun job={job} />
          </dd>
        </div>
        <div className={styles.recent}>
          <dt className="hidden">{t("jobs.recent")}</dt>
          <dd>
            <RecentRuns runs={job.recent_runs} />
          </dd>
        </div>
      </dl>
    </li>
  );
}

/** A job that does not validate: what is wrong, and where. */
export function BrokenJobRow({ job }: { job: BrokenJob }) {
  const { t } = useTranslation();
  return (
    <li className={styles.row}>
      <div className={styles.what}>
        <h2>{job.job_id}</h2>
        <StateMark tone="bad" glyph="cross" label={t("jobs.broken")} />
        <ul className={styles.problems}>
          {job.problems.map((problem, index) => (
            <li key={index}>
              <span className="dimmed">
                {problem.file}
                {problem.line !== null && `, ${t("jobs.line", { line: problem.line })}`}
              </span>{" "}
              {problem.message}
            </li>
          ))}
        </ul>
      </div>
    </li>
  );
}

function ScheduleShown({ job }: { job: Job }) {
  const { t } = useTranslation();
  const off = job.enabled ? null : <span className={styles.tag}>{t("jobs.disabled")}</span>;
  if (job.schedule !== null) {
    return (
      <>
        <code>{job.schedule}</code> <span className="dimmed">{job.timezone}</span> {off}
      </>
    );
  }
  const words =
    job.interval === null ? t("jobs.manual") : t("jobs.every", { interval: job.interval });
  return (
    <>
      {words} {off}
    </>
  );
}

function LastRun({ job }: { job: Job }) {
  const { t } = useTranslation();
  const run = job.last_run;
  if (run === null) return <span className="dimmed">{t("jobs.never")}</span>;
  const at = run.finished_at ?? run.started_at;
  return (
    <span className={styles.last}>
      <Link to="/runs/$runId" params={{ runId: String(run.run_id) }}>
        <StateShown state={run.state} />
      </Link>
      {job.running !== null ? (
        <span className="dimmed" title={job.running.step}>
          {t("jobs.atStep", { number: job.running.number, steps: job.running.steps })}
        </span>
      ) : (
        at !== null && <Ago at={at} />
      )}
    </span>
  );
}
