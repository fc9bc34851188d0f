import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";

import { jobKeys } from "@/api/jobs";
import { runKeys } from "@/api/runs";

import { aRun, aRunDetail, aStep } from "@test/builders";
import { catalogueChanged, runChanged, stepChanged, stepProgressed } from "./applyEvent";

function aCache() {
  const cache = new QueryClient();
  const running = { state: "RUNNING", finished_at: null } as const;
  cache.setQueryData(runKeys.run(7), aRunDetail({ ...running, steps: [aStep(), aStep(running)] }));
  cache.setQueryData(runKeys.list({}), {
    pages: [{ runs: [aRun(running)], next_cursor: null }],
    pageParams: [null],
  });
  cache.setQueryData(jobKeys.list, []);
  return cache;
}

test("a run that ended changes its page and its row, and is not asked for again in lists", () => {
  const cache = aCache();
  runChanged(cache, aRun({ state: "FAILED" }));
  expect(cache.getQueryData(runKeys.run(7))).toMatchObject({ state: "FAILED" });
  expect(cache.getQueryData(runKeys.list({}))).toMatchObject({
    pages: [{ runs: [{ state: "FAILED" }] }],
  });
  expect(cache.getQueryState(runKeys.list({}))?.isInvalidated).toBe(false);
});

test("a new run makes the lists and the jobs ask again", () => {
  const cache = aCache();
  runChanged(cache, aRun({ run_id: 8 }));
  expect(cache.getQueryState(runKeys.list({}))?.isInvalidated).toBe(true);
  expect(cache.getQueryState(jobKeys.list)?.isInvalidated).toBe(true);
});

test("a step takes its place in its run", () => {
  const cache = aCache();
  stepChanged(cache, 7, 1, aStep({ name: "second", state: "FAILED" }));
  expect(cache.getQueryData(runKeys.run(7))).toMatchObject({
    steps: [{ name: "copy-orders" }, { name: "second", state: "FAILED" }],
  });
});

test("how far a step is counts until the step changes", () => {
  const cache = aCache();
  stepProgressed(cache, 7, "first", { done: 10, total: 100 });
  stepProgressed(cache, 7, "second", { done: 3, total: null });
  stepProgressed(cache, 7, "first", { done: 20, total: 100 });
  expect(cache.getQueryData(runKeys.progress(7))).toEqual({
    first: { done: 20, total: 100 },
    second: { done: 3, total: null },
  });
  stepChanged(cache, 7, 0, aStep({ name: "first", attempts: 2 }));
  expect(cache.getQueryData(runKeys.progress(7))).toEqual({ second: { done: 3, total: null } });
});

test("a new catalogue makes the jobs ask again", () => {
  const cache = aCache();
  catalogueChanged(cache);
  expect(cache.getQueryState(jobKeys.list)?.isInvalidated).toBe(true);
});
