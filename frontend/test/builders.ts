import type { Line, Run, RunDetail, StepRun } from "@/api/types";

/** A run that succeeded, until a test says otherwise. */
export function aRun(changes: Partial<Run> = {}): Run {
  return {
    run_id: 7,
    job_id: "nightly-refresh",
    state: "SUCCEEDED",
    reason: null,
    triggered_by: "cron",
    scheduled_at: null,
    started_at: "2026-11-22T01:00:00.000Z",
    finished_at: "2026-11-22T01:04:12.000Z",
    params: {},
    ...changes,
  };
}

export function aStep(changes: Partial<StepRun> = {}): StepRun {
  return {
    name: "copy-orders",
    type: "sql_copy",
    state: "SUCCEEDED",
    reason: null,
    attempts: 1,
    started_at: "2026-11-22T01:00:00.000Z",
    finished_at: "2026-11-22T01:04:00.000Z",
    output: {},
    error: null,
    ...changes,
  };
}

export function aRunDetail(changes: Partial<RunDetail> = {}): RunDetail {
  return { ...aRun(), steps: [aStep()], ...changes };
}

export function aLine(seq: number, changes: Partial<Line> = {}): Line {
  return {
    seq,
    at: "2026-11-22T01:00:00.000Z",
    level: "INFO",
    step: null,
    attempt: null,
    source: "",
    message: `line ${seq}`,
    ...changes,
  };
}
