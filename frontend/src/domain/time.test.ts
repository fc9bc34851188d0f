import { expect, test } from "vitest";

import { duration, elapsed, relative } from "./time";

test.each([
  [0, "0 s"],
  [654, "0.65 s"],
  [3_940, "3.9 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [252_000, "4 min 12 s"],
  [3_780_000, "1 h 3 min"],
  [187_200_000, "2 d 4 h"],
  [-5, "0 s"],
])("%d ms reads %s", (ms, words) => {
  expect(duration(ms, "en")).toBe(words);
});

test("French writes its own decimals and days", () => {
  expect(duration(654, "fr")).toBe("0,65 s");
  expect(duration(187_200_000, "fr")).toBe("2 j 4 h");
});

test("what has not ended lasts until now", () => {
  const start = "2026-11-22T01:00:00.000Z";
  expect(elapsed(start, null, Date.parse(start) + 5000)).toBe(5000);
  expect(elapsed(null, null, 0)).toBeNull();
});

test("distances are told in one unit, rounded towards now", () => {
  expect(relative(0, 119_000, "en")).toBe("1 minute ago");
  expect(relative(7_300_000, 0, "en")).toBe("in 2 hours");
  expect(relative(0, 119_000, "fr")).toBe("il y a 1 minute");
});
