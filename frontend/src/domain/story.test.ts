import { expect, test } from "vitest";

import { aRunDetail, aStep } from "@test/builders";
import { story } from "./story";

const NOW = Date.parse("2026-11-22T01:10:00.000Z");
const ERROR = { type: "Unreachable", message: "no answer from 'erp'", traceback: null };

test("a run that waits says so", () => {
  expect(story(aRunDetail({ state: "QUEUED", started_at: null, steps: [] }), NOW)).toEqual({
    sentence: "queued",
  });
});

test("a running step is named with its place and its time so far", () => {
  const running = aStep({ name: "copy-items", state: "RUNNING", finished_at: null });
  const run = aRunDetail({ state: "RUNNING", finished_at: null, steps: [aStep(), running] });
  expect(story(run, NOW)).toMatchObject({
    sentence: "running",
    index: 2,
    count: 2,
    step: "copy-items",
    ms: 600_000,
  });
});

test("a second attempt is told apart from the first", () => {
  const again = aStep({ state: "RUNNING", finished_at: null, attempts: 2 });
  const run = aRunDetail({ state: "RUNNING", finished_at: null, steps: [again] });
  expect(story(run, NOW)).toMatchObject({ sentence: "runningAgain", attempt: 2 });
});

test("a wait between two attempts says why the last one failed", () => {
  const waiting = aStep({ state: "RUNNING", finished_at: null, error: ERROR });
  const run = aRunDetail({ state: "RUNNING", finished_at: null, steps: [waiting] });
  expect(story(run, NOW)).toMatchObject({ sentence: "waiting", error: "no answer from 'erp'" });
});

test("a failure names the step, the attempts and the error", () => {
  const failed = aStep({ state: "FAILED", attempts: 3, error: ERROR });
  const run = aRunDetail({ state: "FAILED", steps: [aStep(), failed, aStep()] });
  expect(story(run, NOW)).toMatchObject({
    sentence: "failedStepAgain",
    index: 2,
    count: 3,
    attempt: 3,
    ms: 252_000,
    error: "no answer from 'erp'",
  });
});

test("a failure outside of the steps gives the run's reason", () => {
  const run = aRunDetail({ state: "FAILED", reason: "lost in restart", steps: [] });
  expect(story(run, NOW)).toEqual({ sentence: "failed", reason: "lost in restart" });
});

test("a run that was canceled before it started took no time", () => {
  const run = aRunDetail({ state: "CANCELED", started_at: null, reason: "by user:ann" });
  expect(story(run, NOW)).toEqual({ sentence: "canceledEarly", reason: "by user:ann" });
});

test("skipped and missed runs give their reason", () => {
  expect(story(aRunDetail({ state: "SKIPPED", reason: "overlap" }), NOW).sentence).toBe("skipped");
  expect(story(aRunDetail({ state: "MISSED", reason: "down" }), NOW).sentence).toBe("missed");
});
