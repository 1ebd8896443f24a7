/** Defaults that a model's publisher recommends, in answers: used where a request leaves them out, and only there. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fovea, type GenerateRequest, type ModelFiles } from "../../src/index.ts";
import { CHAT_DEFAULTS, chatFiles } from "../support/chat-files.ts";
import { type CountedDevice, changed, countedDevice, expectRefusal } from "../support/engine.ts";

const image = new ImageData(30, 20);
for (const i of image.data.keys()) image.data[i] = (i * 3) % 251;
const messages: GenerateRequest["messages"] = [
  {
    role: "user",
    content: [
      { type: "image", image },
      { type: "text", text: "What?" },
    ],
  },
];
const PLAIN = { compression: { method: "none" }, inhibition: { maxRatio: 0 } } as const;

let counted: CountedDevice;
let files: ModelFiles;
const load = (defaults: object | undefined) => {
  const file = defaults && { defaults };
  return Fovea.load(changed(files, { "fovea.json": file }), { device: counted.device, maxContext: 300 });
};

beforeAll(async () => {
  counted = await countedDevice();
  files = await chatFiles();
});
afterAll(() => {
  expect(counted.live()).toEqual([]);
  counted.release();
});

/** Tokens of the picture, blocks of its stages, ratios of the layers that an answer looked from, and its text. */
async function ask(fovea: Fovea, settings: Partial<GenerateRequest> = {}) {
  const told = { tokens: 0, blocks: [] as number[], ratios: [] as number[], text: "" };
  for await (const event of fovea.generate({ messages, maxTokens: 6, attention: true, ...settings })) {
    if (event.type === "image") Object.assign(told, { tokens: event.tokens, blocks: event.stages.map((s) => s.block) });
    if (event.type === "attention") told.ratios = event.layers.map(({ ratio }) => ratio);
    if (event.type === "text") told.text += event.text;
  }
  return told;
}

test("a model's own defaults hold for requests that leave them out, each by itself", async () => {
  using fovea = await load(CHAT_DEFAULTS);
  using plain = await load(undefined);
  expect(fovea.info.defaults).toEqual(CHAT_DEFAULTS);
  expect(plain.info.defaults).toEqual(PLAIN);

  const own = await ask(fovea);
  expect([own.tokens, own.blocks]).toEqual([32, [1, 3, 5]]);
  expect(Math.max(...own.ratios)).toBeCloseTo(0.6, 12);
  expect(own).toEqual(await ask(plain, CHAT_DEFAULTS));

  const nothing = await ask(plain);
  expect([nothing.tokens, nothing.blocks, Math.max(...nothing.ratios)]).toEqual([64, [], 0]);
  expect(await ask(fovea, PLAIN)).toEqual(nothing);

  const { compression, inhibition } = PLAIN;
  expect(await ask(fovea, { compression })).toEqual(await ask(plain, { inhibition: CHAT_DEFAULTS.inhibition }));
  expect(await ask(fovea, { inhibition })).toEqual(await ask(plain, { compression: CHAT_DEFAULTS.compression }));
});

test("a picture on its own and an inspection are never compressed by default", async () => {
  using fovea = await load(CHAT_DEFAULTS);
  expect((await fovea.encodeImage(image)).features.rows).toBe(64);
  const { images, layers } = await fovea.inspect({ messages });
  expect([images[0]!.projected.rows, layers]).toEqual([64, []]);
});

test.for<[unknown, RegExp]>([
  [{ compression: { method: "zip" } }, /^fovea\.json: defaults\.compression: compression\.method must be .*"zip"/],
  [{ inhibition: { maxRatio: 7 } }, /^fovea\.json: defaults\.inhibition: inhibition\.maxRatio .* got 7/],
  [{ temperature: 2 }, /^fovea\.json: defaults: "temperature" is not known/],
])("defaults %j are refused before anything is on the GPU", async ([defaults, says]) => {
  const made = counted.made();
  await expectRefusal(() => load(defaults as object), "unsupported-model", says);
  expect(counted.made()).toBe(made);
});
