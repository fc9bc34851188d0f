import type { RunState, StepState } from "./states";
import { elapsed } from "./time";

export type ToldStep = {
  name: string;
  state: StepState;
  attempts: number;
  started_at: string | null;
  finished_at: string | null;
  error: { message: string } | null;
};

export type ToldRun = {
  state: RunState;
  reason: string | null;
  started_at: string | null;
  finished_at: string | null;
  steps: readonly ToldStep[];
};

/** What happened, before it is put into a language: one sentence of `words`, and its values. */
export type Story =
  | { sentence: "queued" | "starting" }
  | { sentence: "between"; ms: number }
  | { sentence: "succeeded"; count: number; ms: number }
  | { sentence: "failed" | "skipped" | "missed" | "canceledEarly"; reason: string | null }
  | { sentence: "canceled"; ms: number; reason: string | null }
  | ({ sentence: "running" | "runningAgain" | "waiting" } & AtStep)
  | ({ sentence: "failedStep" | "failedStepAgain" } & AtStep);

type AtStep = {
  index: number;
  count: number;
  step: string;
  attempt: number;
  ms: number;
  error: string;
};

/** The one sentence at the top of a run's page. */
export function story(run: ToldRun, now: number): Story {
  const ms = elapsed(run.started_at, run.finished_at, now);
  switch (run.state) {
    case "QUEUED":
      return { sentence: "queued" };
    case "RUNNING":
      return running(run, ms, now);
    case "SUCCEEDED":
      return { sentence: "succeeded", count: run.steps.length, ms: ms ?? 0 };
    case "FAILED":
      return failed(run, ms);
    case "CANCELED":
      return ms === null
        ? { sentence: "canceledEarly", reason: run.reason }
        : { sentence: "canceled", ms, reason: run.reason };
    case "SKIPPED":
      return { sentence: "skipped", reason: run.reason };
    case "MISSED":
      return { sentence: "missed", reason: run.reason };
  }
}

function running(run: ToldRun, ms: number | null, now: number): Story {
  const step = run.steps.find((candidate) => candidate.state === "RUNNING");
  if (step === undefined)
    return ms === null ? { sentence: "starting" } : { sentence: "between", ms };
  const stepMs = elapsed(step.started_at, null, now) ?? 0;
  if (step.error !== null) return { sentence: "waiting", ...at(run, step, stepMs) };
  const sentence = step.attempts > 1 ? "runningAgain" : "running";
  return { sentence, ...at(run, step, stepMs) };
}

function failed(run: ToldRun, ms: number | null): Story {
  const step = run.steps.find((candidate) => candidate.state === "FAILED");
  if (step?.error == null) return { sentence: "failed", reason: run.reason };
  const sentence = step.attempts > 1 ? "failedStepAgain" : "failedStep";
  return { sentence, ...at(run, step, ms ?? 0) };
}

function at(run: ToldRun, step: ToldStep, ms: number): AtStep {
  return {
    index: run.steps.indexOf(step) + 1,
    count: run.steps.length,
    step: step.name,
    attempt: step.attempts,
    ms,
    error: step.error?.message ?? "",
  };
}
