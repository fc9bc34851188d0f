import type { Run } from "@/api/types";

/** Runs of one day of the reader's zone; `words` is "today", "yesterday" or the date in words. */
export type Day = { day: string; words: string; runs: Run[] };

const DAY_MS = 24 * 60 * 60 * 1000;

/** The runs in their order, cut where the day changes; what has not started belongs to today. */
export function byDay(runs: readonly Run[], language: string, now = Date.now()): Day[] {
  const days: Day[] = [];
  for (const run of runs) {
    const at = new Date(run.started_at ?? run.scheduled_at ?? run.finished_at ?? now);
    const day = at.toDateString();
    const last = days.at(-1);
    if (last?.day === day) last.runs.push(run);
    else days.push({ day, words: words(at, language, now), runs: [run] });
  }
  return days;
}

function words(at: Date, language: string, now: number): string {
  const day = at.toDateString();
  if (day === new Date(now).toDateString()) return "today";
  if (day === new Date(now - DAY_MS).toDateString()) return "yesterday";
  return new Intl.DateTimeFormat(language, { dateStyle: "full" }).format(at);
}
