import { RUN_STATES, type RunState } from "./states";

/** Which runs are shown; it lives in the address, so that a view can be shared and reloaded. */
export type RunFilter = { job?: string; state?: RunState[]; q?: string };

/** The filter in an address; what it does not know is left out. */
export function runFilter(search: Record<string, unknown>): RunFilter {
  const states = [search.state].flat().filter(isRunState);
  return {
    ...(isText(search.job) ? { job: String(search.job) } : {}),
    ...(states.length > 0 ? { state: states } : {}),
    ...(isText(search.q) ? { q: String(search.q) } : {}),
  };
}

export function isEmpty(filter: RunFilter): boolean {
  return Object.keys(filter).length === 0;
}

/** The filter without its search, or with another one. */
export function withSearch(filter: RunFilter, q: string): RunFilter {
  const { job, state } = filter;
  return runFilter({ job, state, q });
}

/** The filter for the runs of all jobs. */
export function withoutJob(filter: RunFilter): RunFilter {
  const { state, q } = filter;
  return runFilter({ state, q });
}

/** The filter with the state switched on or off. */
export function toggleState(filter: RunFilter, state: RunState): RunFilter {
  const { state: before = [], ...rest } = filter;
  const states = before.includes(state)
    ? before.filter((other) => other !== state)
    : [...before, state];
  return states.length > 0 ? { ...rest, state: states } : rest;
}

function isRunState(value: unknown): value is RunState {
  return RUN_STATES.some((state) => state === value);
}

/** The router reads `q=42` as a number. */
function isText(value: unknown): value is string | number {
  return (typeof value === "string" && value !== "") || typeof value === "number";
}
