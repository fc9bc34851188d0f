import { useEffectEvent, useLayoutEffect, useRef } from "react";

const CHORD_MS = 3000;
const NOTHING = { key: "", at: -Infinity };

/** Acts on keys such as "/" or "g r" (one after the other), unless somebody is typing. */
export function useKeys(actions: Record<string, () => void>): void {
  const begun = useRef(NOTHING);
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (hasModifier(event) || isTyping(event.target)) return;
    const isInTime = event.timeStamp - begun.current.at <= CHORD_MS;
    const chord = isInTime ? `${begun.current.key} ${event.key}` : event.key;
    const action = actions[chord] ?? actions[event.key];
    begun.current = startsChord(actions, event.key)
      ? { key: event.key, at: event.timeStamp }
      : NOTHING;
    if (action === undefined) return;
    event.preventDefault();
    action();
  });

  useLayoutEffect(() => {
    const listener = (event: KeyboardEvent) => {
      onKey(event);
    };
    window.addEventListener("keydown", listener);
    return () => {
      window.removeEventListener("keydown", listener);
    };
  }, []);
}

function hasModifier(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.metaKey || event.altKey;
}

function startsChord(actions: Record<string, () => void>, key: string): boolean {
  return Object.keys(actions).some((keys) => keys.startsWith(`${key} `));
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}
