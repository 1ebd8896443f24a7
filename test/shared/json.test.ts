/** Values from outside in messages, however deep, wide or odd they are. */
import { describe, expect, it } from "vitest";
import { resolveSampling } from "../../src/generate/sampling-settings.ts";
import { planCompression } from "../../src/model/compression/plan.ts";
import { checkInteger } from "../../src/shared/assert.ts";
import { isTooDeep, MAX_JSON_LEVELS, shown } from "../../src/shared/json.ts";
import { parseJsonFile } from "../../src/text/json.ts";
import { checkMessages } from "../../src/text/messages.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { parseJson } from "../../src/weights/json.ts";
import { tinyTokenizer } from "../text/tiny.ts";

const BRACKETS = 200_000;
const deepText = "[".repeat(BRACKETS) + "]".repeat(BRACKETS);
const deepList = JSON.parse(deepText) as unknown;
const deepObject = JSON.parse(`${'{"a":'.repeat(BRACKETS)}1${"}".repeat(BRACKETS)}`) as unknown;
const cycle: unknown[] = [];
cycle.push(cycle);
const hostile = {
  get a(): unknown {
    throw new Error("no");
  },
};

describe("shown", () => {
  it.each<[string, unknown]>([
    ['"text"', "text"],
    ['[1,"a",null,[true]]', [1, "a", null, [true]]],
    ['{"a":1,"b":{"c":[2]}}', { a: 1, b: { c: [2] } }],
    ["undefined", undefined],
    ["NaN", Number.NaN],
    ["12", 12n],
    ["Symbol(s)", Symbol("s")],
    ["a function", () => 1],
    ["[[[[[...]]]]]", [[[[[1]]]]]],
  ])("writes %s", (text, value) => {
    expect(shown(value)).toBe(text);
  });

  it("survives a getter that throws", () => {
    expect(shown(hostile)).toBe("an object that cannot be read");
  });

  it.each<[string, () => unknown]>([
    ["a deep list", () => deepList],
    ["a deep object", () => deepObject],
    ["a cycle", () => cycle],
    ["a long text", () => "x".repeat(1e6)],
    ["a long list", () => new Array(1e6).fill("xxxx")],
    ["a wide object", () => Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`key ${i}`, i]))],
    ["a long key", () => ({ ["k".repeat(1e6)]: 1 })],
    ["lists that double", () => Array.from({ length: 60 }).reduce<unknown[]>((list) => [list, list], [])],
  ])("cuts %s to 80 characters at once", (_, make) => {
    const value = make();
    const start = performance.now();
    expect(shown(value).length).toBeLessThanOrEqual(80);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

it("finds values that are nested too deep for readers that recurse", () => {
  const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
  expect(isTooDeep(nested(MAX_JSON_LEVELS))).toBe(false);
  expect(isTooDeep(nested(MAX_JSON_LEVELS + 2))).toBe(true);
  expect(isTooDeep(deepObject)).toBe(true);
  expect(isTooDeep("plain")).toBe(false);
});

describe("deep JSON is a clear error where it is", () => {
  const files = (changes: object) => ({ "tokenizer.json": tinyTokenizer(), ...changes });
  const sequence = (type: string, list: string) =>
    JSON.parse(`{"type":"${type}","${list}":[`.repeat(5000) + "]}".repeat(5000)) as unknown;

  it.each<[string, () => unknown, RegExp]>([
    ["a weights file's JSON", () => parseJson(deepText, "config.json"), /config.json: nested more than 100 levels/],
    ["a tokenizer's JSON", () => parseJsonFile("tokenizer.json", deepText), /tokenizer.json: nested more than 100/],
    ["a parsed file", () => parseJsonFile("config.json", { a: deepList }), /config.json: nested more than 100/],
    ["a field of tokenizer.json", () => Tokenizer.parse(files({ "tokenizer.json": { model: deepObject } })), /nested/],
    [
      "pre-tokenizers in each other",
      () =>
        Tokenizer.parse(
          files({ "tokenizer.json": { ...tinyTokenizer(), pre_tokenizer: sequence("Sequence", "pretokenizers") } }),
        ),
      /tokenizer.json: nested/,
    ],
    [
      "a companion file",
      () => Tokenizer.parse(files({ "tokenizer_config.json": { bos_token: deepList } })),
      /tokenizer_config.json: nested/,
    ],
    ["stop", () => resolveSampling({ stop: deepObject as never }), /stop must be a list of strings, got \{"a":/],
    ["a stop string", () => resolveSampling({ stop: [deepList as never] }), /stop\[0\] must be a string, got \[\[/],
    ["temperature", () => resolveSampling({ temperature: deepList as never }), /temperature must be a number, got \[/],
    ["seed", () => resolveSampling({ seed: deepObject as never }), /seed must be a number/],
    ["an integer", () => checkInteger("greedySteps", deepList, 0), /greedySteps must be an integer from 0/],
    ["messages", () => checkMessages(deepObject as never), /messages must be a list, got \{/],
    ["a role", () => checkMessages([{ role: deepList as never, content: "" }]), /role must be "system"/],
    [
      "compression",
      () => planCompression({ method: deepList } as never, { depth: 1 } as never, []),
      /compression.method must be/,
    ],
  ])("%s", (_, act, message) => {
    const start = performance.now();
    expect(act).toThrow(message);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
