/** The command line of `npm run pack`: what it becomes, and what is refused in which words. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parsePackOptions } from "../../tools/pack-options.mjs";

const folder = mkdtempSync(join(tmpdir(), "fovea-pack-"));
const model = join(folder, "model");
const gguf = join(folder, "model.gguf");
const empty = join(folder, "empty");
mkdirSync(model);
mkdirSync(empty);
writeFileSync(join(model, "config.json"), "{}");
writeFileSync(gguf, "");
afterAll(() => rmSync(folder, { recursive: true }));

const out = join(folder, "copy");

describe("what a command line becomes", () => {
  test.for<[string[], object]>([
    [["--model", model, "--weights", "q4", "--out", out], { model: { folder: model }, compact: false }],
    [["--model", gguf, "--weights", "q4", "--out", empty, "--compact"], { model: { file: gguf }, compact: true }],
    [["--model", model, "--weights", "q4", "--out", `${model}-q4`], { model: { folder: model } }],
    [["--model", "owner/name@main", "--weights", "q8", "--out", out], { model: { source: "hf:owner/name@main" } }],
    [["--model", "https://a.org/m", "--weights", "q8", "--out", out], { model: { source: "https://a.org/m" } }],
  ])("%j", ([line, expected]) => {
    expect(parsePackOptions(line)).toMatchObject({ weights: line[3], out: line[5], ...expected });
  });

  test("help wins", () => expect(parsePackOptions(["--help", "--weights", "q4"])).toBe("help"));
});

describe("what is refused", () => {
  const right = { "--model": model, "--weights": "q4", "--out": out };
  test.for<[Record<string, string | undefined>, RegExp]>([
    [{ "--model": undefined }, /^--model is missing; name a folder/],
    [{ "--weights": undefined }, /^--weights is missing; choose q4, q8 or f16$/],
    [{ "--out": undefined }, /^--out is missing/],
    [{ "--weights": "q5" }, /^--weights must be q4, q8 or f16, got "q5"$/],
    [{ "--weights": "f32" }, /^--weights must be q4, q8 or f16/],
    [{ "--model": join(folder, "nothing") }, /nothing: no such folder/],
    [{ "--model": join(model, "config.json") }, /is a file; name its folder/],
    [{ "--out": model }, /is not empty/],
    [{ "--out": gguf }, /is a file; name a folder/],
    [{ "--out": join(folder, "no", "copy") }, /no does not exist; create it first/],
    [{ "--out": join(model, "copy") }, /lies in the model's own folder/],
    [{ "--bits": "4" }, /^unknown option --bits; options: --model, --weights, --out, --compact, --help$/],
  ])("%j", ([change, message]) => {
    const line = Object.entries({ ...right, ...change }).flatMap(([name, value]) =>
      value === undefined ? [] : [name, value],
    );
    expect(() => parsePackOptions(line)).toThrow(message);
  });

  test("a value without its option", () => {
    expect(() => parsePackOptions(["q4"])).toThrow(
      /^unexpected "q4"; put each value after its option, as in --weights/,
    );
  });
});
