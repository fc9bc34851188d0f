import type { InfiniteData, QueryClient } from "@tanstack/react-query";

import { jobKeys } from "@/api/jobs";
import { runKeys, type Progress } from "@/api/runs";
import type { Run, RunDetail, RunPage, StepRun } from "@/api/types";

type RunLists = InfiniteData<RunPage>;

/** The only place that puts what the server told into the query cache. */
export function runChanged(cache: QueryClient, run: Run): void {
  cache.setQueryData<RunDetail>(runKeys.run(run.run_id), (known) => known && { ...known, ...run });
  const lists = cache.getQueriesData<RunLists>({ queryKey: runKeys.lists });
  const isListed = lists.some(([, list]) => list?.pages.some((page) => holds(page, run)));
  if (isListed) {
    cache.setQueriesData<RunLists>(
      { queryKey: runKeys.lists },
      (list) => list && { ...list, pages: list.pages.map((page) => withRun(page, run)) },
    );
  } else {
    void cache.invalidateQueries({ queryKey: runKeys.lists });
  }
  void cache.invalidateQueries({ queryKey: jobKeys.list });
  void cache.invalidateQueries({ queryKey: runKeys.run(run.run_id) });
}

/** A step told how far it is. */
export function stepProgressed(
  cache: QueryClient,
  runId: number,
  step: string,
  progress: Progress,
): void {
  cache.setQueryData<Record<string, Progress>>(runKeys.progress(runId), (known) => ({
    ...known,
    [step]: progress,
  }));
}

/** A step began, ended or tries again: how far it was does not count any more. */
export function stepChanged(cache: QueryClient, runId: number, index: number, step: StepRun): void {
  cache.setQueryData<RunDetail>(
    runKeys.run(runId),
    (known) =>
      known && { ...known, steps: known.steps.map((old, at) => (at === index ? step : old)) },
  );
  cache.setQueryData<Record<string, Progress>>(runKeys.progress(runId), (known) => {
    const others = Object.entries(known ?? {}).filter(([name]) => name !== step.name);
    return known && Object.fromEntries(others);
  });
}

/** Jobs were added, changed or removed. */
export function catalogueChanged(cache: QueryClient): void {
  void cache.invalidateQueries({ queryKey: jobKeys.list });
}

function holds(page: RunPage, run: Run): boolean {
  return page.runs.some((row) => row.run_id === run.run_id);
}

function withRun(page: RunPage, run: Run): RunPage {
  return {
    ...page,
    runs: page.runs.map((row) => (row.run_id === run.run_id ? { ...row, ...run } : row)),
  };
}
