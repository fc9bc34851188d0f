import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";

import type { Line } from "@/api/types";

const LINE_PX = 20;
const BEYOND_THE_EDGE = 20;
const NEAR_END_PX = 24;

export type Rows = Virtualizer<HTMLDivElement, HTMLDivElement>;

/**
 * Draws only the lines in sight, and keeps a growing log at its end until the reader scrolls up;
 * back at the end it follows again. `missed` counts the lines that came since it stopped.
 */
export function useLogScroll(
  box: RefObject<HTMLDivElement | null>,
  lines: readonly Line[],
  isGrowing: boolean,
) {
  const [stoppedAt, setStoppedAt] = useState<number | null>(isGrowing ? null : 0);
  const lastTop = useRef(0);
  const isFollowing = stoppedAt === null;
  const count = lines.length;

  const rows: Rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => lines[index]?.seq ?? index,
    overscan: BEYOND_THE_EDGE,
  });
  const height = rows.getTotalSize();

  useLayoutEffect(() => {
    const element = box.current;
    if (!isFollowing || element === null) return;
    element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
  }, [box, isFollowing, count, height]);

  const onScroll = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    const isUpwards = element.scrollTop < lastTop.current - 1;
    lastTop.current = element.scrollTop;
    if (rest < NEAR_END_PX) setStoppedAt(null);
    else if (isUpwards) setStoppedAt((before) => before ?? count);
  }, [box, count]);

  const follow = useCallback(() => {
    setStoppedAt(null);
  }, []);

  return {
    rows,
    isFollowing,
    missed: stoppedAt === null || !isGrowing ? 0 : Math.max(0, count - stoppedAt),
    onScroll,
    follow,
  };
}
