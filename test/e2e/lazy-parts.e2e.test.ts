/** The sizes that docs/performance.md states of parts that load later, and the one that an answer tells, are those of a build. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { GRAMMAR_LIBRARY } from "../../src/grammar/grammars.ts";
import { LAZY_PARTS, lazySizes } from "../../tools/lazy-parts.mjs";
import { projectRoot } from "../support/command.ts";

/** Packages and code grow; a table may lag behind by so much. */
const TOLERANCE = 0.05;

let measured: Awaited<ReturnType<typeof lazySizes>>;
beforeAll(async () => {
  measured = await lazySizes();
}, 300_000);

test("the table names each part with its sizes", () => {
  const docs = readFileSync(join(projectRoot, "docs/performance.md"), "utf8");
  for (const name of Object.keys(LAZY_PARTS)) {
    const line = docs.split("\n").find((one) => one.startsWith(`| ${name} |`));
    const [, , raw, brotli] = line?.split("|").map((cell) => Number.parseFloat(cell.replaceAll(",", ""))) ?? [];
    const { raw: rawBytes, brotli: brotliBytes } = measured[name]!;
    const is = `${name} has ${(rawBytes / 1000).toFixed(1)} kB, ${(brotliBytes / 1000).toFixed(1)} kB after brotli; docs/performance.md says ${line}`;
    expect(Math.abs(raw! * 1000 - rawBytes), is).toBeLessThanOrEqual(TOLERANCE * rawBytes + 50);
    expect(Math.abs(brotli! * 1000 - brotliBytes), is).toBeLessThanOrEqual(TOLERANCE * brotliBytes + 50);
  }
});

test("an answer tells the size of the library for forms", () => {
  const { raw } = measured["forms of answers (XGrammar)"]!;
  expect(Math.abs(GRAMMAR_LIBRARY.bytes - raw) / raw).toBeLessThan(TOLERANCE);
});
