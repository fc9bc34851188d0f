import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { runAttempts, runProgress } from "@/api/runs";
import type { Attempt, RunDetail, StepRun } from "@/api/types";
import { isFinal } from "@/domain/states";

import { StepItem } from "./StepItem";
import styles from "./StepList.module.css";

/** The steps in order; the failed one is open. Attempts are read once a step has had several. */
export function StepList(props: {
  run: RunDetail;
  shownStep: string | null;
  onShowStep: (step: string) => void;
}) {
  const { t } = useTranslation();
  const { run } = props;
  const attempts = useAttempts(run);
  const progress = useQuery(runProgress(run.run_id)).data ?? {};
  return (
    <section className="card" aria-labelledby="steps">
      <h2 id="steps" className={styles.title}>
        {t("run.steps")}
      </h2>
      {run.steps.length === 0 && (
        <p className={styles.none}>
          {isFinal(run.state) ? t("run.noStepsFinal") : t("run.noSteps")}
        </p>
      )}
      <ol>
        {run.steps.map((step, index) => (
          <StepItem
            key={step.name}
            number={index + 1}
            step={step}
            attempts={attempts.filter((attempt) => attempt.step === step.name)}
            progress={progress[step.name]}
            isShown={props.shownStep === step.name}
            onShow={() => {
              props.onShowStep(step.name);
            }}
          />
        ))}
      </ol>
    </section>
  );
}

function useAttempts(run: RunDetail): Attempt[] {
  const asked = useQuery({
    ...runAttempts(run.run_id, run.steps.map(progressOf).join()),
    enabled: run.steps.some((step) => step.attempts > 1),
    placeholderData: keepPreviousData,
  });
  return asked.data ?? [];
}

function progressOf(step: StepRun): string {
  return `${step.attempts}${step.state}${step.error === null ? "" : "!"}`;
}
