import { infiniteQueryOptions, queryOptions, skipToken } from "@tanstack/react-query";

import type { RunFilter } from "@/domain/runFilter";

import { get } from "./client";
import type { Attempt, Line, RunDetail, RunPage } from "./types";

export const RUNS_ON_A_PAGE = 50;
export const LINES_AT_ONCE = 5000;

export const runKeys = {
  lists: ["runs"] as const,
  list: (filter: RunFilter) => [...runKeys.lists, filter] as const,
  run: (id: number) => ["run", id] as const,
  attempts: (id: number) => ["attempts", id] as const,
  progress: (id: number) => ["progress", id] as const,
};

export function runList(filter: RunFilter) {
  return infiniteQueryOptions({
    queryKey: runKeys.list(filter),
    queryFn: ({ pageParam }) =>
      get<RunPage>("runs", { ...filter, cursor: pageParam, limit: RUNS_ON_A_PAGE }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function runDetail(id: number) {
  return queryOptions({
    queryKey: runKeys.run(id),
    queryFn: () => get<RunDetail>(`runs/${id}`),
  });
}

/** How far a step is; `total` is null while nobody knows. */
export type Progress = { done: number; total: number | null };

/** How far the steps are, by their names: told over the socket, never asked for. */
export function runProgress(id: number) {
  return queryOptions<Record<string, Progress>>({
    queryKey: runKeys.progress(id),
    queryFn: skipToken,
  });
}

/** Every try of every step; read anew when `progress`, how far the steps are, has changed. */
export function runAttempts(id: number, progress: string) {
  return queryOptions({
    queryKey: [...runKeys.attempts(id), progress] as const,
    queryFn: async () => (await get<{ attempts: Attempt[] }>(`runs/${id}/attempts`)).attempts,
  });
}

/** Stored lines above `after`, at most LINES_AT_ONCE. */
export async function runLines(id: number, after: number): Promise<Line[]> {
  const { lines } = await get<{ lines: Line[] }>(`runs/${id}/logs`, {
    after,
    limit: LINES_AT_ONCE,
  });
  return lines;
}
