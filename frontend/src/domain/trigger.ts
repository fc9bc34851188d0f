const KINDS = ["user", "api", "cli", "job", "webhook", "resume", "replay"] as const;
type Kind = (typeof KINDS)[number] | "cron" | "interval" | "other";

/** Who or what started a run, taken apart: "cli:ann" is kind "cli" and name "ann". */
export function trigger(triggeredBy: string): { kind: Kind; name: string } {
  if (triggeredBy === "cron" || triggeredBy === "interval") return { kind: triggeredBy, name: "" };
  const colon = triggeredBy.indexOf(":");
  const kind = KINDS.find((known) => known === triggeredBy.slice(0, colon));
  return kind === undefined
    ? { kind: "other", name: triggeredBy }
    : { kind, name: triggeredBy.slice(colon + 1) };
}
