import { fireEvent, renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { useKeys } from "./useKeys";

function press(key: string, target: Element | Window = window): void {
  fireEvent.keyDown(target, { key });
}

test("one key acts, and two keys one after the other", () => {
  const [search, jobs] = [vi.fn(), vi.fn()];
  renderHook(() => {
    useKeys({ "/": search, "g j": jobs });
  });
  press("/");
  press("g");
  press("j");
  expect([search.mock.calls.length, jobs.mock.calls.length]).toEqual([1, 1]);
});

test("a page that is drawn anew between two keys still hears both, and acts as it is now", () => {
  const [before, now] = [vi.fn(), vi.fn()];
  const { rerender } = renderHook(
    ({ act }) => {
      useKeys({ "g j": act });
    },
    { initialProps: { act: before } },
  );
  press("g");
  rerender({ act: now });
  press("j");
  expect([before.mock.calls.length, now.mock.calls.length]).toEqual([0, 1]);
});

test("a key between the two, or somebody typing, is no chord", () => {
  const jobs = vi.fn();
  renderHook(() => {
    useKeys({ "g j": jobs });
  });
  press("g");
  press("x");
  press("j");
  const input = document.body.appendChild(document.createElement("input"));
  press("g", input);
  press("j", input);
  expect(jobs).not.toHaveBeenCalled();
});
