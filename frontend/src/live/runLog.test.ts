import { expect, test } from "vitest";

import { aLine } from "@test/builders";
import { RunLog } from "./runLog";

/** A log over a store that has `stored` lines, two of them at a time, drawn at once. */
function aLog(stored: number) {
  const asked: number[] = [];
  const server = { stored, isDown: false };
  const read = (after: number) => {
    asked.push(after);
    if (server.isDown) return Promise.reject(new Error("no answer"));
    const count = Math.min(2, Math.max(0, server.stored - after));
    return Promise.resolve(Array.from({ length: count }, (_, index) => aLine(after + index + 1)));
  };
  const log = new RunLog(read, (draw) => {
    draw();
  });
  return { log, server, asked, seqs: () => log.snapshot.lines.map((line) => line.seq) };
}

test("a log is read to its end", async () => {
  const { log, seqs } = aLog(5);
  await log.catchUp();
  expect(seqs()).toEqual([1, 2, 3, 4, 5]);
});

test("lines that are told twice are kept once", async () => {
  const { log, seqs } = aLog(2);
  await log.catchUp();
  log.append([aLine(2), aLine(3)]);
  log.append([aLine(3)]);
  expect(seqs()).toEqual([1, 2, 3]);
});

test("a gap is closed by asking, in order", async () => {
  const { log, server, asked, seqs } = aLog(1);
  await log.catchUp();
  server.stored = 4;
  log.append([aLine(4)]);
  expect(seqs()).toEqual([1]);
  await log.catchUp();
  expect(seqs()).toEqual([1, 2, 3, 4]);
  expect(asked.filter((after) => after === 1)).toHaveLength(2);
});

test("a log that cannot be read says so, and goes on later", async () => {
  const { log, server, seqs } = aLog(2);
  server.isDown = true;
  await log.catchUp();
  expect(log.snapshot.error).toEqual(new Error("no answer"));
  server.isDown = false;
  await log.catchUp();
  expect(log.snapshot.error).toBeNull();
  expect(seqs()).toEqual([1, 2]);
});

test("a thousand batches within a frame are drawn once", () => {
  const frames: (() => void)[] = [];
  const log = new RunLog(
    () => Promise.resolve([]),
    (draw) => frames.push(draw),
  );
  let draws = 0;
  log.subscribe(() => (draws += 1));
  for (let seq = 1; seq <= 1000; seq += 1) log.append([aLine(seq)]);
  expect(frames).toHaveLength(1);
  frames[0]?.();
  expect(draws).toBe(1);
  expect(log.snapshot.lines).toHaveLength(1000);
});
