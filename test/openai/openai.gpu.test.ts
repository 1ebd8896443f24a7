/** The official client in a page, and our own, over real models: a story, a picture, an abort. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../src/index.ts";
import { createFetch, FoveaOpenAI } from "../../src/openai/index.ts";
import { chatFiles } from "../support/chat-files.ts";
import { useDevice } from "../support/gpu.ts";
import { expectAnswer, languageFiles } from "../support/random-models.ts";

const QUESTION = [{ role: "user" as const, content: "Once upon a time" }];

/** A picture as a data URL. */
async function pictureUrl(): Promise<string> {
  const canvas = new OffscreenCanvas(30, 20);
  canvas.getContext("2d")!.fillRect(5, 5, 10, 10);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}

describe("OpenAI's client over models in the page", () => {
  const { device } = useDevice();
  let small: Fovea;
  let pictures: Fovea;
  let client: OpenAI;
  beforeAll(async () => {
    small = await Fovea.load(languageFiles(), { maxContext: 128, device: device() });
    pictures = await Fovea.load(await chatFiles(), { device: device() });
    client = new OpenAI({
      fetch: createFetch({ small, pictures }),
      apiKey: "unused",
      baseURL: "http://fovea.local/v1",
      dangerouslyAllowBrowser: true,
    });
  });
  afterAll(() => {
    small.dispose();
    pictures.dispose();
  });

  test("a whole answer", async () => {
    const { choices, usage } = await client.chat.completions.create({
      model: "small",
      messages: QUESTION,
      max_tokens: 8,
    });
    expectAnswer(choices[0]!.message.content!);
    expect(choices[0]!.finish_reason).toBe("length");
    expect(usage).toEqual({ prompt_tokens: 5, completion_tokens: 8, total_tokens: 13 });
  });

  test("a streamed answer is the same, in pieces", async () => {
    const stream = await client.chat.completions.create({
      ...{ model: "small", messages: QUESTION, max_tokens: 8, stream: true },
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    for await (const { choices, usage } of stream) {
      pieces.push(choices[0]?.delta.content ?? "");
      if (choices.length === 0) expect(usage!.completion_tokens).toBe(8);
    }
    expectAnswer(pieces.join(""));
    expect(pieces.filter(Boolean).length).toBeGreaterThan(2);
  });

  test("a picture's tokens count, as many as compression leaves", async () => {
    const content = [
      { type: "image_url" as const, image_url: { url: await pictureUrl() } },
      { type: "text" as const, text: "What?" },
    ];
    const ask = async (compression: object) => {
      const request = { model: "pictures", messages: [{ role: "user" as const, content }], max_tokens: 2 };
      const { usage } = await client.chat.completions.create({ ...request, ...{ fovea: { compression } } });
      return usage!.prompt_tokens;
    };
    const all = await ask({ method: "none" });
    expect(all - (await ask({ method: "vmtc", tokens: 5 }))).toBe(pictures.info.imageTokens - 5);
    await expect(ask({ method: "vmtc", tokens: -1 })).rejects.toMatchObject({
      ...{ status: 400, param: "fovea.compression.tokens" },
    });
  });

  test("what cannot be answered", async () => {
    const ask = (content: OpenAI.ChatCompletionUserMessageParam["content"], model = "small") =>
      client.chat.completions.create({ model, messages: [{ role: "user", content }] });
    await expect(ask("Once upon a time ".repeat(100))).rejects.toMatchObject({
      ...{ status: 400, code: "context_length_exceeded" },
    });
    const damaged = [{ type: "image_url" as const, image_url: { url: "data:image/png;base64,AAAA" } }];
    await expect(ask(damaged, "pictures")).rejects.toMatchObject({ status: 400, code: "invalid_image" });
    await expect(ask("Hello", "gpt-4")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("an abort ends the answer, and the next one is whole", async () => {
    const stream = await client.chat.completions.create({
      ...{ model: "small", messages: QUESTION, max_tokens: 100, stream: true },
    });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 4) stream.controller.abort();
    expect(chunks).toBeLessThan(10);
    const own = new FoveaOpenAI(small).chat.completions;
    const { choices } = await own.create({ model: "fovea", messages: QUESTION, max_tokens: 8 });
    expectAnswer(choices[0]!.message.content!);
  });
});
