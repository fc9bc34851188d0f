import { expect, test } from "vitest";

import { aLine } from "@test/builders";
import { EVERYTHING, fitting, marked } from "./logFilter";
import { isEmpty, runFilter, toggleState, withoutJob, withSearch } from "./runFilter";
import { trigger } from "./trigger";

test("an address is read for what it knows, and the rest is left out", () => {
  expect(runFilter({ state: ["FAILED", "LOST"], q: 42, page: 3 })).toEqual({
    state: ["FAILED"],
    q: "42",
  });
  expect(runFilter({ state: "FAILED" })).toEqual({ state: ["FAILED"] });
});

test("a state is switched on and off again", () => {
  const failed = toggleState({ job: "a" }, "FAILED");
  expect(failed).toEqual({ job: "a", state: ["FAILED"] });
  expect(toggleState(failed, "FAILED")).toEqual({ job: "a" });
});

test("what is cleared leaves the address", () => {
  expect(isEmpty(withSearch(withoutJob({ job: "a", q: "b" }), ""))).toBe(true);
});

test("a log is filtered by level, step and text at once", () => {
  const lines = [
    aLine(1, { level: "WARNING", step: "load", message: "Customer 4711 has no address" }),
    aLine(2, { level: "INFO", step: "load", message: "customer 4712" }),
    aLine(3, { level: "ERROR", step: "send", message: "customer 4713" }),
  ];
  const found = fitting({ level: "WARNING", step: "load", text: "customer" }, lines);
  expect(found.map((line) => line.seq)).toEqual([1]);
  expect(fitting(EVERYTHING, lines)).toBe(lines);
});

test("what was searched for is marked in the message, whatever its case", () => {
  expect(marked("Copy two", "COPY")).toEqual([
    ["", false],
    ["Copy", true],
    [" two", false],
  ]);
  expect(marked("as it is", "")).toEqual([["as it is", false]]);
});

test("who started a run is taken apart", () => {
  expect(trigger("cron")).toEqual({ kind: "cron", name: "" });
  expect(trigger("user:ann:b")).toEqual({ kind: "user", name: "ann:b" });
  expect(trigger("the moon")).toEqual({ kind: "other", name: "the moon" });
});
