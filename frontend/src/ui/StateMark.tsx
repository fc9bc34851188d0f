import type { ReactNode } from "react";

import styles from "./StateMark.module.css";

export type Tone = "quiet" | "working" | "good" | "bad" | "warning";
export type Glyph = "ring" | "clock" | "arc" | "check" | "cross" | "square" | "skip" | "alarm";

/** A shape that tells a state apart without its colour, with the state's name beside or hidden. */
export function StateMark(props: {
  tone: Tone;
  glyph: Glyph;
  label: string;
  size?: number;
  isBare?: boolean;
}) {
  const { tone, glyph, label, size = 18, isBare = false } = props;
  return (
    <span className={styles.mark} data-tone={tone} data-bare={isBare || undefined}>
      <svg
        viewBox="0 0 20 20"
        width={size}
        height={size}
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        data-glyph={glyph}
      >
        {SHAPES[glyph]}
      </svg>
      <span className={isBare ? "hidden" : undefined}>{label}</span>
    </span>
  );
}

const SHAPES: Record<Glyph, ReactNode> = {
  ring: <circle cx="10" cy="10" r="6.5" strokeDasharray="2.2 3.2" />,
  clock: (
    <>
      <circle cx="10" cy="10" r="7.5" />
      <path d="M10 6v4.2l2.6 1.6" />
    </>
  ),
  arc: (
    <>
      <circle cx="10" cy="10" r="7.5" opacity="0.25" />
      <path d="M10 2.5a7.5 7.5 0 0 1 7.5 7.5" />
    </>
  ),
  check: (
    <>
      <circle cx="10" cy="10" r="8.5" fill="currentColor" stroke="none" />
      <path d="M6.4 10.3l2.5 2.5 4.8-5.3" stroke="var(--card)" />
    </>
  ),
  cross: (
    <>
      <rect x="1.5" y="1.5" width="17" height="17" rx="4.5" fill="currentColor" stroke="none" />
      <path d="M6.9 6.9l6.2 6.2M13.1 6.9l-6.2 6.2" stroke="var(--card)" />
    </>
  ),
  square: (
    <>
      <circle cx="10" cy="10" r="7.5" />
      <rect x="7.4" y="7.4" width="5.2" height="5.2" rx="0.8" fill="currentColor" stroke="none" />
    </>
  ),
  skip: <path d="M4.5 5.5l6 4.5-6 4.5zM15.5 5.2v9.6" />,
  alarm: <path d="M10 2.8l8 14H2zM10 8v4M10 14.4v.1" />,
};
