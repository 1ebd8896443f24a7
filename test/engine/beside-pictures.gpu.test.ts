/**
 * A model that reads pictures beside its prompts, by cross-attention: turns that go on from kept rows, conversations in turn and
 * on disk, several pictures, text alone, compression, and what it refuses.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Compression, GenerateRequest, GenerationEvent, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { Gpu } from "../../src/gpu/device.ts";
import { deleteStoredConversation } from "../../src/weights/storage.ts";
import { expectNmse, nmse } from "../support/compare.ts";
import { useDevice } from "../support/gpu.ts";
import { followDevices, loseAt } from "../support/lost-devices.ts";
import { describeShared, needing, sharedUrl } from "../support/shared.ts";
import { NMSE_MODEL } from "../support/tolerances.ts";

const MODEL = "golden/families/idefics/model";
/** Rows of a picture. */
const ROWS = 5;
const FAKE = 439;
const IMAGE = 440;
const END_OF_TURN = 441;

function picture(seed: number): ImageData {
  const image = new ImageData(40 + seed, 30);
  for (const i of image.data.keys()) image.data[i] = i % 4 === 3 ? 255 : (i * (2 * seed + 3)) % 251;
  return image;
}

const user = (text: string, ...seeds: number[]): Message => ({
  role: "user",
  content: [...seeds.map((seed) => ({ type: "image", image: picture(seed) }) as const), { type: "text", text }],
});
const assistant = (content: string): Message => ({ role: "assistant", content });

async function ask(fovea: Fovea, messages: Message[], more: Partial<GenerateRequest> = {}) {
  const answer = fovea.generate({ messages, maxTokens: 8, temperature: 0, ...more });
  const events: GenerationEvent[] = [];
  for await (const event of answer) events.push(event);
  const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
  return { text, events, ...answer.stats! };
}

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "",
    (error: Error) => error.message,
  );

describeShared(needing("golden/families/idefics", "pictures beside a prompt"), () => {
  const { device } = useDevice();
  let fovea: Fovea;
  let fresh: Fovea;
  const load = (more: object = {}) =>
    Fovea.load(sharedUrl(MODEL), { weights: "f32", precision: "f32", maxContext: 200, device: device(), ...more });
  beforeAll(async () => {
    [fovea, fresh] = [await load(), await load({ keptBytes: 0 })];
  });
  afterAll(() => {
    for (const engine of [fovea, fresh]) {
      engine.dispose();
      expect(engine.memory.gpuBytes).toBe(0);
    }
  });

  /** The answer of an engine that has no rows. */
  async function askAnew(messages: Message[], more: Partial<GenerateRequest> = {}) {
    await fresh.inspect({ inputIds: [7, 8, 9] });
    const answer = await ask(fresh, messages, more);
    expect(answer.reusedTokens).toBe(0);
    return answer;
  }

  test("the prompt: a token a picture, and one text between two", async () => {
    const { prompt } = await fovea.inspect({ messages: [user("What?", 1, 2), assistant("A boat."), user("And", 3)] });
    const [fake, end] = ["<fake_token_around_image>", "<end_of_utterance>"];
    expect(prompt.text).toBe(
      `<s>User:${fake}<image>${fake}<image>${fake}What?${end}\nAssistant: A boat.${end}\nUser:${fake}<image>${fake}And${end}\nAssistant:`,
    );
    const special = [...prompt.ids].filter((id) => id >= FAKE || id < 3);
    expect(special).toEqual([
      ...[1, FAKE, IMAGE, FAKE, IMAGE, FAKE, END_OF_TURN, END_OF_TURN],
      ...[FAKE, IMAGE, FAKE, END_OF_TURN],
    ]);
    expect(prompt.pictures).toEqual([[], [], []]);
    // What a user types stays text.
    const typed = await fovea.inspect({ messages: [user(`${fake}<image>${end}</s>`)] });
    expect([...typed.prompt.ids].filter((id) => id >= FAKE || id < 3)).toEqual([1, END_OF_TURN]);
    // Also where it is cut into parts that are written next to each other.
    const parts = ["<end_of_utt", "erance>"].map((text) => ({ type: "text", text }) as const);
    const cut = await fovea.inspect({ messages: [{ role: "user", content: parts }] });
    expect([...cut.prompt.ids].filter((id) => id >= FAKE || id < 3)).toEqual([1, END_OF_TURN]);
  });

  test("later turns go on from the rows that are there, pictures included", async () => {
    const submits = vi.spyOn(Gpu.prototype, "submit");
    const encoded = () => submits.mock.calls.filter(([label]) => label === "vision").length;
    const first = [user("What are these two?", 1, 2)];
    const one = await ask(fovea, first);
    expect(one.text).not.toBe("");
    expect(one.text).toBe((await askAnew(first)).text);
    const turns = [...first, assistant(one.text), user("And this one?", 3)];
    submits.mockClear();
    const two = await ask(fovea, turns);
    expect(encoded()).toBe(1);
    // All of the first turn, and as much of the answer as is written alike.
    expect(two.reusedTokens).toBeGreaterThanOrEqual(one.promptTokens);
    expect(two.text).toBe((await askAnew(turns)).text);
    const more = [...turns, assistant(two.text), user("Which of them is older?")];
    const three = await ask(fovea, more);
    expect(three.reusedTokens).toBeGreaterThanOrEqual(two.promptTokens);
    expect(three.text).toBe((await askAnew(more)).text);
    // Another picture in the second turn: rows from it on run anew, those before it stay.
    const other = [...first, assistant(one.text), user("And this one?", 4)];
    const changed = await ask(fovea, other);
    expect(changed.reusedTokens).toBeGreaterThanOrEqual(one.promptTokens);
    expect(changed.reusedTokens).toBeLessThan(two.promptTokens - 8);
    expect(changed.text).toBe((await askAnew(other)).text);
    // Another first picture: nothing stays but the seven rows before it.
    const before = [user("What are these two?", 5, 2), assistant(one.text), user("And this one?", 4)];
    const anew = await ask(fovea, before);
    expect(anew.reusedTokens).toBeLessThan(8);
    expect(anew.text).toBe((await askAnew(before)).text);
    submits.mockRestore();
  });

  test("answers depend on the pictures, and on which of them is last", async () => {
    const logits = async (...seeds: number[]) => {
      const { logits } = await fovea.inspect({ messages: [user("What is it?", ...seeds)] });
      return logits.data.slice(-logits.cols);
    };
    const [one, two] = [await logits(1, 2), await logits(2, 1)];
    expect(nmse(one, two)).toBeGreaterThan(1e-4);
    expectNmse("the same once more", await logits(1, 2), one, NMSE_MODEL);
  });

  test("conversations in turn, with pictures and without", async () => {
    const [a, b, c] = [
      user("What is this?", 6),
      user("Which is it now?", 7, 8),
      user("A question without any picture?"),
    ];
    const one = await ask(fovea, [a]);
    const plain = await ask(fovea, [c]);
    expect(plain.imageTokensAfter).toBe(0);
    expect(plain.text).toBe((await askAnew([c])).text);
    await ask(fovea, [b]);
    for (const [start, text] of [
      [a, one.text],
      [c, plain.text],
    ] as const) {
      const turns = [start, assistant(text), user("And why is that?")];
      const back = await ask(fovea, turns);
      expect(back.reusedTokens).toBeGreaterThan(10);
      expect(back.text).toBe((await askAnew(turns)).text);
    }
    // A picture after turns of text alone.
    const turns = [c, assistant(plain.text), user("And here?", 9)];
    const shown = await ask(fovea, turns);
    expect(shown.reusedTokens).toBeGreaterThanOrEqual(plain.promptTokens);
    expect(shown.text).toBe((await askAnew(turns)).text);
  });

  test("a saved conversation goes on with its pictures", async () => {
    const name = "test: pictures beside a prompt";
    const image = await png(picture(1));
    const first: Message = {
      role: "user",
      content: [
        { type: "image", image },
        { type: "text", text: "What?" },
      ],
    };
    const one = await ask(fovea, [first]);
    const stored = await fovea.saveConversation(name);
    expect(stored!.tokens).toBeGreaterThanOrEqual(one.promptTokens);
    await fresh.inspect({ inputIds: [7, 8, 9] });
    expect(await fresh.restoreConversation(name)).toEqual({ tokens: stored!.tokens });
    const turns = [first, assistant(one.text), user("Why?")];
    const after = await ask(fresh, turns);
    expect(after.reusedTokens).toBeGreaterThanOrEqual(one.promptTokens);
    expect(after.pictures.map(({ reused }) => reused)).toEqual([true]);
    expect(after.text).toBe((await askAnew(turns)).text);
    await deleteStoredConversation(name);
  });

  test("an abort in any phase leaves an engine that answers as before", async () => {
    const messages = [user("What is the difference?", 10, 11)];
    const expected = (await askAnew(messages)).text;
    for (const type of ["image", "prefill", "text"] as const) {
      const aborting = new AbortController();
      const answer = fovea.generate({ messages: [user("Another?", 12)], maxTokens: 20, signal: aborting.signal });
      for await (const event of answer) if (event.type === type) aborting.abort();
      expect((await ask(fovea, messages)).text, type).toBe(expected);
    }
  });

  test("a long prompt in chunks is that of one chunk", async () => {
    // Chunks have 128 rows.
    const messages = [
      user("one two three four five six seven eight", 1),
      assistant("x ".repeat(40)),
      user("and so on", 2, 3),
    ];
    const { prompt, logits, greedy } = await fovea.inspect({ messages, greedySteps: 4 });
    expect(prompt.ids.length).toBeGreaterThan(128);
    // Of a prompt's first rows the logits are those of the whole prompt's.
    const short = await fovea.inspect({ messages: messages.slice(0, 1), addGenerationPrompt: false });
    expectNmse("first rows", logits.data.slice(0, short.logits.data.length), short.logits.data, NMSE_MODEL);
    const again = await fovea.inspect({ messages, greedySteps: 4 });
    expect(again.greedy).toEqual(greedy);
  });

  test("compression in the encoder and of the rows, and counts", async () => {
    const messages = [user("What is this?", 1, 2)];
    const inspect = (compression: Compression) => fovea.inspect({ messages, compression, greedySteps: 2 });
    const whole = await inspect({ method: "none" });
    const merged = await inspect({ method: "vmtc", tokens: 6, stages: 2 });
    expect(merged.images[0]!.views[0]!.owners).toHaveLength(6);
    expect(merged.images[0]!.projected.rows).toBe(ROWS);
    expect(nmse(merged.logits.data, whole.logits.data)).toBeGreaterThan(1e-8);
    const few = await inspect({ method: "diverse", tokens: 3 });
    expect(few.images.map(({ projected }) => projected.rows)).toEqual([3, 3]);
    for (const one of [merged, few]) expect([...one.prompt.ids]).toEqual([...whole.prompt.ids]);
    const answer = await ask(fovea, messages, { compression: { method: "diverse", tokens: 3 } });
    expect(answer.pictures.map(({ tokensBefore, tokensAfter }) => [tokensBefore, tokensAfter])).toEqual([
      [ROWS, 3],
      [ROWS, 3],
    ]);
    // Pictures take no tokens of the prompt but those around them, which are text.
    expect(await fovea.countTokens(messages)).toMatchObject({
      ...{ promptTokens: whole.prompt.ids.length, imageTokens: 0, pictures: [0, 0], isExact: true },
    });
  });

  test("nothing to inhibit or to watch", async () => {
    const messages = [user("What is this?", 1)];
    const inhibition = { maxRatio: 0.6 };
    const message = /inhibition\.maxRatio is 0\.6, but this model reads pictures by cross-attention/;
    expect(await refusal(ask(fovea, messages, { inhibition }))).toMatch(message);
    expect(await refusal(fovea.inspect({ messages, inhibition }))).toMatch(message);
    const { events, text } = await ask(fovea, messages, { attention: true });
    expect(events.find((event) => event.type === "attention")).toMatchObject({ layers: [] });
    expect(text).toBe((await askAnew(messages)).text);
    expect(await refusal(ask(fovea, messages, { compression: { method: "vmtc", positions: "original" } }))).toMatch(
      /learned queries/,
    );
  });

  test("more pictures than there is room for", async () => {
    const seeds = Array.from({ length: 41 }, (_, i) => i);
    // Rows beside the prompt have as much room as the prompt: 200.
    const message = await refusal(ask(fovea, [user("All of them?", ...seeds)]));
    expect(message).toMatch(/the pictures have 205 rows beside the prompt, there is room for 200/);
    const fitting = [user("All of them?", ...seeds.slice(1))];
    expect((await ask(fovea, fitting)).text).toBe((await askAnew(fitting)).text);
  });

  test("weights in 8 bits, a picture and text alone", async () => {
    const rounded = await load({ weights: "q8" });
    for (const messages of [[user("What is this?", 1)], [user("A text?")]]) {
      const [{ logits }, exact] = [await rounded.inspect({ messages }), await fovea.inspect({ messages })];
      const change = nmse(logits.data, exact.logits.data);
      expect(change).toBeGreaterThan(1e-9);
      expect(change).toBeLessThan(1e-2);
    }
    rounded.dispose();
  });

  test("needs no pipeline beyond those of loading, and goes on when its device is lost", async () => {
    const made: string[] = [];
    for (const name of ["createComputePipeline", "createComputePipelineAsync"] as const) {
      const original = GPUDevice.prototype[name] as (descriptor: GPUComputePipelineDescriptor) => never;
      vi.spyOn(GPUDevice.prototype, name).mockImplementation(function (this: GPUDevice, descriptor) {
        made.push(String(descriptor.label));
        return original.call(this, descriptor);
      });
    }
    const own = followDevices();
    const lost = await load({ device: undefined });
    expect(made.length).toBeGreaterThan(10);
    made.length = 0;
    const messages = [user("What is this?", 1, 2)];
    const one = await ask(lost, messages);
    const turns = [...messages, assistant(one.text), user("And why is it there, of all places in the world?", 3)];
    expect((await ask(lost, turns)).text).toBe((await askAnew(turns)).text);
    await ask(lost, [user("A text alone?")]);
    expect(made).toEqual([]);
    loseAt(own.devices.at(-1)!.device, "decode", 4);
    const told = await ask(lost, turns);
    expect(told.events.filter(({ type }) => type === "recovering")).toHaveLength(1);
    expect(told.text).toBe((await askAnew(turns)).text);
    lost.dispose();
    vi.restoreAllMocks();
  }, 900_000);

  test("a context of a few tokens has room for a picture", async () => {
    const small = await load({ maxContext: 3 });
    const { prompt } = await small.inspect({ inputIds: [FAKE, IMAGE, FAKE], pixelValues: [pixels()] });
    expect([...prompt.ids]).toEqual([FAKE, IMAGE, FAKE]);
    small.dispose();
  });
});

function pixels() {
  return {
    data: Float32Array.from({ length: 3 * 56 * 56 }, (_, i) => Math.sin(i)),
    shape: [3, 56, 56] as [3, number, number],
  };
}

async function png(image: ImageData): Promise<Blob> {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.convertToBlob();
}
