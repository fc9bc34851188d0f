export const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"] as const;
export type Level = (typeof LEVELS)[number];

export type LogFilter = { level: Level; step: string | null; text: string };

export type FilteredLine = { level: Level; step: string | null; message: string };

export const EVERYTHING: LogFilter = { level: "DEBUG", step: null, text: "" };

/** The lines that fit, in order. */
export function fitting<Line extends FilteredLine>(
  filter: LogFilter,
  lines: readonly Line[],
): readonly Line[] {
  const { level, step, text } = filter;
  if (level === "DEBUG" && step === null && text === "") return lines;
  const lowest = LEVELS.indexOf(level);
  const wanted = text.toLowerCase();
  return lines.filter(
    (line) =>
      LEVELS.indexOf(line.level) >= lowest &&
      (step === null || line.step === step) &&
      line.message.toLowerCase().includes(wanted),
  );
}

/** Where `text` stands in `message`, as pieces in order: [piece, whether it was found]. */
export function marked(message: string, text: string): [string, boolean][] {
  if (text === "") return [[message, false]];
  const wanted = text.toLowerCase();
  const searched = message.toLowerCase();
  const pieces: [string, boolean][] = [];
  let from = 0;
  for (let at = searched.indexOf(wanted); at >= 0; at = searched.indexOf(wanted, from)) {
    pieces.push([message.slice(from, at), false], [message.slice(at, at + wanted.length), true]);
    from = at + wanted.length;
  }
  return [...pieces, [message.slice(from), false]];
}
