/** Answers with a format, of random models: each that ended by itself is what the format says. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { AnswerFormat, GenerateRequest, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { GRAMMAR_LIBRARY, Grammars } from "../../src/grammar/grammars.ts";
import { useDevice } from "../support/gpu.ts";
import { Random } from "../support/random.ts";
import { randomSchema } from "../support/random-schema.ts";
import { sharedUrl, shippedModelUrl } from "../support/shared.ts";

const messages: Message[] = [{ role: "user", content: "Tell me about rivers." }];

const { device } = useDevice();
/** Each model is loaded once. */
const loaded = new Map<string, Promise<Fovea>>();
afterAll(async () => {
  for (const model of loaded.values()) (await model).dispose();
});

function shipped(): Promise<Fovea> {
  const model = loaded.get("shipped") ?? Fovea.load(shippedModelUrl(), { device: device() });
  loaded.set("shipped", model);
  return model;
}

function load(folder: string): Promise<Fovea> {
  const url = sharedUrl(`golden/families/${folder}/model`);
  const model = loaded.get(folder) ?? Fovea.load(url, { weights: "f32", precision: "f32", device: device() });
  loaded.set(folder, model);
  return model;
}

async function ask(model: Fovea, format: AnswerFormat, request: Partial<GenerateRequest> = {}) {
  const settings = { maxTokens: 60, temperature: 1, ...request };
  let text = "";
  for await (const event of model.generate({ messages, format, ...settings })) {
    if (event.type === "text") text += event.text;
    if (event.type === "done") return { text, reason: event.reason };
  }
  throw new Error("no done event");
}

/** Each takes 60 decode steps at most; test/grammar follows hundreds of schemas without a model. */
const SCHEMAS = 5;

// Byte-level BPE, SentencePiece with byte fallback, and one that puts a space before the text.
describe.for(["text-smollm3", "text-gemma2", "text-mistral"])("%s", (folder) => {
  test("random schemas", async () => {
    const model = await load(folder);
    const random = new Random(folder.length);
    let ended = 0;
    for (let i = 0; i < SCHEMAS; i++) {
      const schema = randomSchema(random);
      const { text, reason } = await ask(model, { type: "json-schema", schema }, { seed: i });
      if (reason !== "stop") continue;
      ended++;
      const ajv = addFormats.default(new Ajv2020({ strict: false }));
      const isValid = ajv.validate(schema, JSON.parse(text));
      expect(isValid, `${JSON.stringify(schema)} gave ${text}: ${ajv.errorsText()}`).toBe(true);
    }
    expect(ended).toBeGreaterThan(1);
  });

  test("a choice, a pattern, a grammar, any JSON", async () => {
    const model = await load(folder);
    const options = ["a cat", "a dog", " no space", "été €"];
    for (let seed = 0; seed < 4; seed++)
      expect(options).toContain((await ask(model, { type: "choice", options }, { seed })).text);
    const pattern = "[a-cé]{2,5} \\d{3}";
    const matched = await ask(model, { type: "regex", pattern });
    expect(matched.reason).toBe("stop");
    expect(matched.text).toMatch(new RegExp(`^(?:${pattern})$`));
    const ebnf = 'root ::= "<" (root | [0-9]) ">"';
    const nested = await ask(model, { type: "grammar", ebnf }, { seed: 3 });
    if (nested.reason === "stop") expect(nested.text).toMatch(/^<+[0-9]>+$/);
    const { text, reason } = await ask(model, { type: "json" }, { maxTokens: 200, logitBias: {} });
    expect(text.startsWith("{")).toBe(true);
    if (reason === "stop") JSON.parse(text);
  });
});

test("the first answer in a form says which library it loads, how large it is, and how long that took", async () => {
  const model = await Fovea.load(sharedUrl("golden/families/text-smollm3/model"), { device: device() });
  const told = async () => {
    const events = [];
    for await (const event of model.generate({ messages, format: { type: "choice", options: ["yes"] } }))
      if (event.type === "library") events.push(event);
    return events;
  };
  expect(await told()).toEqual([
    { type: "library", ...GRAMMAR_LIBRARY },
    { type: "library", ...GRAMMAR_LIBRARY, milliseconds: expect.any(Number) },
  ]);
  expect(await told()).toEqual([]);
  model.dispose();
});

describe("the model that ships fills a form about a scene", () => {
  /** One entry an animal; `count` is their number. */
  const schema = {
    type: "object",
    properties: { animals: { type: "array", items: { type: "string" } }, count: { type: "number" } },
    required: ["animals", "count"],
    additionalProperties: false,
  };
  const asked = "Answer in JSON with the fields animals and count.";

  async function fill(picture: string, question: string, format: AnswerFormat = { type: "json-schema", schema }) {
    const fovea = await shipped();
    const image = await (await fetch(`${location.origin}/${picture}`)).blob();
    const content = [{ type: "image", image } as const, { type: "text", text: question } as const];
    return JSON.parse(await fovea.generate({ messages: [{ role: "user", content }], maxTokens: 100, format }).text());
  }

  test.for<[picture: string, animals: string[]]>([
    ["eval/set/0000.png", ["whale", "frog"]],
    ["eval/set/0012.png", ["dog"]],
    ["eval/set/0032.png", ["dog", "dog"]],
    ["eval/set/0008.png", []],
    ["samples/picnic.webp", ["dog", "butterfly"]],
  ])("%s: the animals and their number", async ([picture, animals]) => {
    expect(await fill(picture, asked)).toEqual({ animals, count: animals.length });
  });

  test("the question need not name the fields", async () => {
    expect(await fill("eval/set/0012.png", "Which animals can you see?")).toEqual({ animals: ["dog"], count: 1 });
  });

  test("any JSON, for a question that names the fields", async () => {
    expect(await fill("eval/set/0012.png", asked, { type: "json" })).toEqual({ animals: ["dog"], count: 1 });
  });
});

test("refusals name the reason, and the next request is served", async () => {
  const model = await load("text-smollm3");
  const endless = { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] };
  const large = { enum: Array.from({ length: 150_000 }, (_, i) => i) };
  const cases: [AnswerFormat, RegExp][] = [
    [{ type: "json-schema", schema: { not: {} } }, /^format .*"not"/],
    [{ type: "json-schema", schema: { type: "array", uniqueItems: true } }, /"uniqueItems"/],
    [{ type: "json-schema", schema: { type: "integer", minimum: 5, maximum: 2 } }, /nothing can satisfy/],
    [{ type: "json-schema", schema: endless }, /without end/],
    [{ type: "regex", pattern: "a(?=b)" }, /^format .*\(\?=b\)/],
    [{ type: "json-schema", schema: large }, /^format.schema has \d+ characters/],
    [{ type: "choice", options: [] }, /^format.options must be/],
    [{ type: "yaml" } as never, /^format.type must be/],
    // This one ends the worker.
    [{ type: "grammar", ebnf: "root ::= (" }, /^format .*EBNF parser error/],
  ];
  for (const [format, message] of cases) await expect(ask(model, format)).rejects.toThrow(message);
  expect((await ask(model, { type: "choice", options: ["yes"] })).text).toBe("yes");
});

test("a format that takes too long is refused, and the next one is followed", async () => {
  // Bytes, and runs of "a" that fit the pattern at many places.
  const lengths = Uint32Array.from({ length: 4096 }, (_, id) => (id < 256 ? 1 : 1 + (id % 200)));
  const bytes = new Uint8Array(lengths.reduce((a, b) => a + b)).fill(97);
  for (let id = 0; id < 256; id++) bytes[id] = id;
  const grammars = new Grammars(() => ({ bytes, lengths, endIds: [0] }), "format", 1100);
  const { signal } = new AbortController();
  const endless = { type: "regex", text: "((a{0,50}){0,50}){0,50}(b|a{1,500}){300}" } as const;
  const ends = vi.spyOn(Worker.prototype, "terminate");
  await expect(grammars.begin(endless, signal)).rejects.toThrow(/^format takes more than 1.1 s of the processor/);
  expect(ends, "the worker, and the one that measures").toHaveBeenCalledTimes(2);
  ends.mockRestore();
  const { mask } = await grammars.begin({ type: "choice", text: '["b"]' }, signal);
  expect(mask[3]).toBe(1 << (98 - 96));
  expect(mask.filter((word) => word !== 0)).toHaveLength(1);
  grammars.dispose();
});
