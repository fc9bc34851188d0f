import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Progress } from "@/api/runs";
import type { Attempt, StepRun } from "@/api/types";
import { Json } from "@/ui/Json";
import { StateShown, Took } from "@/words/shown";

import { StepProgress } from "./StepProgress";
import styles from "./StepItem.module.css";

type Tried = Pick<Attempt, "state" | "output" | "error">;

/** One step: a line that opens to its attempts, its output or its error. */
export function StepItem(props: {
  number: number;
  step: StepRun;
  attempts: Attempt[];
  progress: Progress | undefined;
  isShown: boolean;
  onShow: () => void;
}) {
  const { t } = useTranslation();
  const { step, attempts, progress } = props;
  const [isOpen, setOpen] = useState<boolean | null>(null);
  return (
    <li className={styles.step}>
      <details
        open={isOpen ?? step.state === "FAILED"}
        onToggle={(event) => {
          setOpen(event.currentTarget.open);
        }}
      >
        <summary>
          <StateShown state={step.state} isBare size={20} />
          <span className={styles.name}>
            <strong>
              {props.number}. {step.name}
            </strong>
            <span className="dimmed">
              {step.type}
              {step.attempts > 1 && ` · ${t("run.attempts", { count: step.attempts })}`}
            </span>
            {step.state === "RUNNING" && progress !== undefined && (
              <StepProgress step={step.name} progress={progress} />
            )}
          </span>
          <span className={styles.took}>
            <Took start={step.started_at} end={step.finished_at} />
          </span>
        </summary>
        <div className={styles.body}>
          <button
            type="button"
            className={styles.filter}
            aria-pressed={props.isShown}
            onClick={props.onShow}
          >
            {t("run.stepLog")}
          </button>
          {attempts.length > 1 ? (
            attempts.map((attempt) => (
              <section key={attempt.attempt} className={styles.attempt}>
                <h3>
                  {t("run.attempt", { number: attempt.attempt })}
                  <StateShown state={attempt.state} size={15} />
                  <span className="dimmed">
                    <Took start={attempt.started_at} end={attempt.finished_at} />
                  </span>
                </h3>
                <Outcome tried={attempt} reason={null} />
              </section>
            ))
          ) : (
            <Outcome tried={step} reason={step.reason} />
          )}
        </div>
      </details>
    </li>
  );
}

function Outcome({ tried, reason }: { tried: Tried; reason: string | null }) {
  const { t } = useTranslation();
  if (tried.state === "PENDING") return <p className="dimmed">{t("run.notYet")}</p>;
  const output = tried.output ?? {};
  const hasOutput = Object.keys(output).length > 0;
  return (
    <>
      {reason !== null && <p className="dimmed">{reason}</p>}
      {tried.error !== null && <Failure error={tried.error} />}
      {hasOutput && <Json value={output} />}
      {!hasOutput && tried.state === "SUCCEEDED" && <p className="dimmed">{t("run.noOutput")}</p>}
    </>
  );
}

function Failure({ error }: { error: NonNullable<Attempt["error"]> }) {
  const { t } = useTranslation();
  return (
    <div className={styles.error}>
      <p>
        <strong>{error.type}</strong>: {error.message}
      </p>
      {error.traceback !== null && (
        <details>
          <summary>{t("run.traceback")}</summary>
          <pre tabIndex={0}>{error.traceback}</pre>
        </details>
      )}
    </div>
  );
}
