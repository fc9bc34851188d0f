import { expect, test } from "vitest";

import { en } from "./en";
import { fr } from "./fr";

function flat(texts: object, path = ""): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "string" ? [[path + key, value]] : flat(value as object, `${path}${key}.`),
  );
}

function named(text: string): string[] {
  return [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1] ?? "").sort();
}

test("every text names the same values in both languages", () => {
  const french = new Map(flat(fr));
  for (const [key, text] of flat(en)) {
    expect(named(french.get(key) ?? ""), key).toEqual(named(text));
  }
});

test("no text is empty", () => {
  for (const [key, text] of [...flat(en), ...flat(fr)]) expect(text.trim(), key).not.toBe("");
});
