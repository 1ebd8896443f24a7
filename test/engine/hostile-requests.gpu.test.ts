/**
 * Wrong requests to a loaded language model: each is refused by a message that names the field, leaves the memory as it
 * was, and the next question is answered as by the reference.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea, type GenerateRequest, type InspectRequest } from "../../src/index.ts";
import {
  type CountedDevice,
  changed,
  countedDevice,
  expectAnswers,
  expectRefusal,
  type Files,
  json,
  question,
  type Refusal,
} from "../support/engine.ts";
import { foreignTokenizer, languageFiles, referenceGreedy } from "../support/random-models.ts";

const CONTEXT = 64;
const say = (content: unknown) => ({ messages: [{ role: "user", content }] });
const sampling = (fields: object) => ({ ...question, ...fields });
const picture = { type: "image", image: new ImageData(2, 2) };

/** Requests of generate. */
const GENERATE: { request: unknown; kind: Refusal; says: RegExp }[] = [
  { request: undefined, kind: TypeError, says: /request must be an object with fields, got Undefined/ },
  { request: "Hello", kind: TypeError, says: /request must be an object with fields, got String/ },
  { request: {}, kind: TypeError, says: /messages must be a list, got undefined/ },
  { request: { messages: "Hello" }, kind: TypeError, says: /messages must be a list, got "Hello"/ },
  { request: { messages: [] }, kind: RangeError, says: /messages must hold at least one message/ },
  { request: { messages: [null] }, kind: TypeError, says: /messages\[0\] must be an object, got null/ },
  { request: { messages: ["Hello"] }, kind: TypeError, says: /messages\[0\] must be an object, got "Hello"/ },
  {
    request: { messages: [{ role: "robot", content: "" }] },
    kind: TypeError,
    says: /messages\[0\]\.role .* got "robot"/,
  },
  { request: say(5), kind: TypeError, says: /messages\[0\]\.content must be a string or a list of parts, got 5/ },
  {
    request: say([{ type: "audio" }]),
    kind: TypeError,
    says: /content\[0\]\.type must be "text", "image" or "video", got "audio"/,
  },
  { request: say([null]), kind: TypeError, says: /content\[0\]\.type must be/ },
  { request: say([{ type: "text" }]), kind: TypeError, says: /content\[0\]\.text must be a string, got undefined/ },
  {
    request: say([picture, picture]),
    kind: TypeError,
    says: /messages hold 2 image\(s\), but the model reads text only/,
  },
  { request: sampling({ maxTokens: 0 }), kind: RangeError, says: /maxTokens must be an integer from 1 .*, got 0/ },
  { request: sampling({ maxTokens: 2.5 }), kind: RangeError, says: /maxTokens .* got 2\.5/ },
  { request: sampling({ maxTokens: "8" }), kind: TypeError, says: /maxTokens must be a number, got "8"/ },
  { request: sampling({ maxTokens: Number.NaN }), kind: RangeError, says: /maxTokens .* got NaN/ },
  { request: sampling({ temperature: -1 }), kind: RangeError, says: /temperature must be a number from 0 .*, got -1/ },
  { request: sampling({ temperature: Infinity }), kind: RangeError, says: /temperature .* got Infinity/ },
  { request: sampling({ temperature: null }), kind: TypeError, says: /temperature must be a number, got null/ },
  { request: sampling({ topK: -1 }), kind: RangeError, says: /topK must be an integer from 0/ },
  { request: sampling({ topP: 1.5 }), kind: RangeError, says: /topP must be a number from 0 to 1, got 1\.5/ },
  { request: sampling({ repetitionPenalty: 0 }), kind: RangeError, says: /repetitionPenalty .* got 0/ },
  { request: sampling({ seed: -1 }), kind: RangeError, says: /seed must be an integer from 0/ },
  { request: sampling({ seed: 2 ** 32 }), kind: RangeError, says: /seed .* got 4294967296/ },
  { request: sampling({ stop: "end" }), kind: TypeError, says: /stop must be a list of strings, got "end"/ },
  { request: sampling({ stop: ["a", 5] }), kind: TypeError, says: /stop\[1\] must be a string, got 5/ },
  { request: sampling({ stop: [""] }), kind: RangeError, says: /stop\[0\] must have 1 to/ },
  {
    request: sampling({ stop: new Array(65).fill("x") }),
    kind: RangeError,
    says: /stop must hold at most 64 texts, got 65/,
  },
  {
    request: sampling({ signal: {} }),
    kind: TypeError,
    says: /signal must be an AbortSignal, got Object/,
  },
  { request: sampling({ inhibition: "strong" }), kind: TypeError, says: /inhibition must be an object/ },
  { request: sampling({ inhibition: { maxRatio: 2 } }), kind: RangeError, says: /inhibition\.maxRatio .* got 2/ },
  { request: sampling({ inhibition: {} }), kind: RangeError, says: /inhibition\.maxRatio .* got undefined/ },
  {
    request: say("Once upon a time ".repeat(20)),
    kind: "context-full",
    says: /the prompt has \d+ tokens, the context holds 64: shorten/,
  },
];

/** Requests of inspect. */
const INSPECT: { request: unknown; kind: Refusal; says: RegExp }[] = [
  { request: null, kind: TypeError, says: /request must be an object with fields, got Null/ },
  { request: {}, kind: TypeError, says: /inspect takes either messages or inputIds, and exactly one of them/ },
  { request: { messages: [], inputIds: [1] }, kind: TypeError, says: /takes either messages or inputIds, and exactly/ },
  { request: { messages: "Once" }, kind: TypeError, says: /messages must be/ },
  { request: { messages: [] }, kind: RangeError, says: /messages must hold at least one message, got none/ },
  {
    request: { messages: question.messages, pixelValues: [] },
    kind: TypeError,
    says: /inspect takes pixelValues with inputIds only; pictures of messages are in their parts/,
  },
  {
    request: { messages: question.messages, addGenerationPrompt: "no" },
    kind: TypeError,
    says: /addGenerationPrompt must be true or false, got string/,
  },
  { request: { messages: question.messages, pictures: 4 }, kind: TypeError, says: /pictures must be an object with/ },
  { request: { messages: question.messages, pictures: { x: 1 } }, kind: TypeError, says: /pictures\.x is not known/ },
  { request: { inputIds: "1 2 3" }, kind: TypeError, says: /inputIds must be an array of token ids, got string/ },
  { request: { inputIds: [] }, kind: TypeError, says: /the prompt is empty: at least one token is needed/ },
  { request: { inputIds: [1, 512] }, kind: RangeError, says: /token id 512 at 1 of the prompt; .* vocabulary has 512/ },
  { request: { inputIds: [-1] }, kind: RangeError, says: /token id -1 at 0 of the prompt/ },
  { request: { inputIds: [1.5] }, kind: RangeError, says: /token id 1\.5 at 0/ },
  { request: { inputIds: [1, Number.NaN] }, kind: RangeError, says: /token id NaN at 1/ },
  { request: { inputIds: ["1"] }, kind: RangeError, says: /token id 1 at 0/ },
  { request: { inputIds: new Array(3) }, kind: RangeError, says: /token id undefined at 0/ },
  { request: { inputIds: [1], greedySteps: -1 }, kind: RangeError, says: /greedySteps must be an integer from 0/ },
  { request: { inputIds: [1], greedySteps: 0.5 }, kind: RangeError, says: /greedySteps .* got 0\.5/ },
  {
    request: { inputIds: [1, 2], greedySteps: 64 },
    kind: "context-full",
    says: /64 greedy steps after 2 tokens need more than the context of 64/,
  },
  {
    request: { inputIds: [1], greedySteps: 2 ** 40 },
    kind: "context-full",
    says: /1099511627776 greedy steps after 1/,
  },
  {
    request: { inputIds: new Array(65).fill(1) },
    kind: "context-full",
    says: /the prompt has 65 tokens, the context holds 64/,
  },
  {
    request: { inputIds: new Array(1_000_000).fill(1) },
    kind: "context-full",
    says: /the prompt has 1000000 tokens/,
  },
  {
    request: { inputIds: [1], pixelValues: [{ data: new Float32Array(3), shape: [3, 1, 1] }] },
    kind: TypeError,
    says: /this model reads no pictures; 1 were given/,
  },
  { request: { inputIds: [1], pixelValues: 5 }, kind: TypeError, says: /pixelValues must be a list, got number/ },
  {
    request: { inputIds: [1], inhibition: { maxRatio: -1 } },
    kind: RangeError,
    says: /inhibition\.maxRatio .* got -1/,
  },
];

describe("wrong requests to a language model", () => {
  const afterBos = referenceGreedy([1], 2);
  let counted: CountedDevice;
  let small: Files;
  let fovea: Fovea;

  beforeAll(async () => {
    counted = await countedDevice();
    small = languageFiles();
    fovea = await Fovea.load(small, { device: counted.device, maxContext: CONTEXT });
  }, 120_000);
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  /** Refused, without a byte left over. */
  async function expectUnchanged(run: () => unknown, kind: Refusal, says: RegExp): Promise<void> {
    const { gpuBytes } = fovea.memory;
    const live = counted.live().length;
    await expectRefusal(run, kind, says);
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
    expect(counted.live().length).toBe(live);
  }

  /** The reference's first tokens after BOS: a quicker question than the text one. */
  async function expectUsable(engine = fovea): Promise<void> {
    expect((await engine.inspect({ inputIds: [1], greedySteps: 2 })).greedy).toEqual(afterBos);
  }

  test.for(GENERATE)("generate: $says", async ({ request, kind, says }) => {
    await expectUnchanged(() => fovea.generate(request as GenerateRequest).text(), kind, says);
    const events = async () => {
      for await (const event of fovea.generate(request as GenerateRequest)) expect.fail(`an event: ${event.type}`);
    };
    await expectUnchanged(events, kind, says);
    await expectUsable();
  });

  test.for(INSPECT)("inspect: $says", async ({ request, kind, says }) => {
    await expectUnchanged(() => fovea.inspect(request as InspectRequest), kind, says);
    await expectUsable();
  });

  test("the model still answers as its reference", () => expectAnswers(fovea));

  test("no picture for a language model", async () => {
    await expectUnchanged(
      () => fovea.encodeImage(new ImageData(2, 2)),
      "unsupported-model",
      /this model reads text only; a picture cannot be given to it/,
    );
    await expectUnchanged(
      () => fovea.encodeImage(new ImageData(2, 2), null as never),
      TypeError,
      /options must be an object with fields, got Null/,
    );
    await expectUsable();
  });

  test("a tokenizer of another model", async () => {
    const files = changed(small, { "tokenizer.json": foreignTokenizer() });
    using other = await Fovea.load(files, { device: counted.device, maxContext: CONTEXT });
    const { gpuBytes } = other.memory;
    await expectRefusal(
      () => other.generate(question).text(),
      "unsupported-model",
      /turns the question into the id \d+, but the model's vocabulary has 512; tokenizer\.json is of another model/,
    );
    expect(other.memory.gpuBytes).toBe(gpuBytes);
  });

  test("a folder without a tokenizer", async () => {
    const files = changed(small, { "tokenizer.json": undefined });
    using mute = await Fovea.load(files, { device: counted.device, maxContext: CONTEXT });
    expect(mute.info.canGenerate).toBe(false);
    await expectRefusal(
      () => mute.generate(question).text(),
      "unsupported-model",
      /no tokenizer\.json in its folder: it can be inspected by ids, but not chatted with/,
    );
    await expectUsable(mute);
  });

  test("a chat template that refuses the conversation", async () => {
    const template =
      "{% if messages[0].role != 'user' %}{{ raise_exception('users first') }}{% endif %}{{ messages[0].content }}";
    const config = { ...json(small, "tokenizer_config.json"), chat_template: template };
    const files = changed(small, { "tokenizer_config.json": config });
    using strict = await Fovea.load(files, { device: counted.device, maxContext: CONTEXT });
    const messages = [{ role: "assistant", content: "Hello" }] as const;
    await expectRefusal(
      () => strict.generate({ messages: [...messages] }).text(),
      RangeError,
      /messages: the model's chat template refuses them, "users first"/,
    );
    expect((await strict.generate(question).text()).length).toBeGreaterThan(8);
  });

  test("after dispose", async () => {
    const gone = await Fovea.load(small, { device: counted.device, maxContext: CONTEXT });
    const live = counted.live().length;
    gone.dispose();
    gone.dispose();
    expect(gone.memory.gpuBytes).toBe(0);
    expect(counted.live().length).toBeLessThan(live);
    const says = /this engine was disposed; load the model again/;
    await expectRefusal(() => gone.generate(question).text(), "disposed", says);
    await expectRefusal(() => gone.inspect({ inputIds: [1] }), "disposed", says);
    await expectRefusal(() => gone.encodeImage(new ImageData(2, 2)), "disposed", says);
    expect(gone.memory.gpuBytes).toBe(0);
    // The device is the caller's, and so are the engines beside it.
    await expectAnswers(fovea);
  });
});
