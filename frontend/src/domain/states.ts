import type { Glyph, Tone } from "@/ui/StateMark";

export const RUN_STATES = [
  "QUEUED",
  "RUNNING",
  "SUCCEEDED",
  "FAILED",
  "CANCELED",
  "SKIPPED",
  "MISSED",
] as const;
export type RunState = (typeof RUN_STATES)[number];
export type StepState = "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELED";
export type State = RunState | StepState;

/** How a state looks; the shape alone tells it apart, the tone only helps. */
export const LOOKS: Record<State, { tone: Tone; glyph: Glyph }> = {
  PENDING: { tone: "quiet", glyph: "ring" },
  QUEUED: { tone: "quiet", glyph: "clock" },
  RUNNING: { tone: "working", glyph: "arc" },
  SUCCEEDED: { tone: "good", glyph: "check" },
  FAILED: { tone: "bad", glyph: "cross" },
  CANCELED: { tone: "quiet", glyph: "square" },
  SKIPPED: { tone: "quiet", glyph: "skip" },
  MISSED: { tone: "warning", glyph: "alarm" },
};

/** Whether nothing can happen to the run any more. */
export function isFinal(state: RunState): boolean {
  return state !== "QUEUED" && state !== "RUNNING";
}
