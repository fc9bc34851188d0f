import { useEffect } from "react";

const CHORD_MS = 1500;

/** Acts on keys such as "/" or "g r" (one after the other), unless somebody is typing. */
export function useKeys(actions: Record<string, () => void>): void {
  useEffect(() => {
    let first = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onKey = (event: KeyboardEvent) => {
      if (hasModifier(event) || isTyping(event.target)) return;
      const action = actions[`${first} ${event.key}`] ?? actions[event.key];
      clearTimeout(timer);
      first = startsChord(actions, event.key) ? event.key : "";
      timer = setTimeout(() => {
        first = "";
      }, CHORD_MS);
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", onKey);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("keydown", onKey);
    };
  }, [actions]);
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
