/** The official npm client, which takes the models of this page for a server: answers, streams, errors, aborts. */
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { FoveaError } from "../../src/errors.ts";
import { createFetch } from "../../src/openai/fetch.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequestNonStreaming,
  ChatCompletionRequestStreaming,
  ChatMessage,
  ImagePart,
  Model,
  TextPart,
  UserMessage,
} from "../../src/openai/types.ts";
import { BEGINNING, done, FakeModel, requestOf, type Step, text } from "../support/fake-model.ts";

function clientOf(model: FakeModel): OpenAI {
  return new OpenAI({ fetch: createFetch(model), baseURL: "http://fovea.local/v1", apiKey: "unused" });
}

const failing = (steps: Step[]) => clientOf(new FakeModel(steps)).chat.completions;

test("its types are those of this room", () => {
  expectTypeOf<ChatCompletion>().toExtend<OpenAI.ChatCompletion>();
  expectTypeOf<ChatCompletionChunk>().toExtend<OpenAI.ChatCompletionChunk>();
  // Messages may hold videos, which OpenAI's do not.
  type Shared<Request> = Omit<Request, "fovea" | "service_tier" | "messages"> & {
    messages: OpenAI.ChatCompletionMessageParam[];
  };
  expectTypeOf<Shared<ChatCompletionRequestNonStreaming>>().toExtend<OpenAI.ChatCompletionCreateParamsNonStreaming>();
  expectTypeOf<Shared<ChatCompletionRequestStreaming>>().toExtend<OpenAI.ChatCompletionCreateParamsStreaming>();
  expectTypeOf<Exclude<ChatMessage, UserMessage>>().toExtend<OpenAI.ChatCompletionMessageParam>();
  expectTypeOf<TextPart | ImagePart>().toExtend<OpenAI.ChatCompletionContentPart>();
  expectTypeOf<Model>().toExtend<OpenAI.Model>();
});

describe("answers", () => {
  test("whole", async () => {
    const model = new FakeModel();
    const completion = await clientOf(model).chat.completions.create(
      requestOf({ max_completion_tokens: 5, fovea: { inhibition: { maxRatio: 0 } } }),
    );
    expect(completion.choices[0]!.message.content).toBe("A cat.");
    expect(completion.usage!.total_tokens).toBe(24);
    expect(completion._request_id).toBe(completion.id);
    expect(model.requests[0]).toMatchObject({ maxTokens: 5, inhibition: { maxRatio: 0 } });
  });

  test("that fit a schema of zod's, parsed", async () => {
    const model = new FakeModel([...BEGINNING, text('{"animals":["dog"],'), text('"count":1}'), done()]);
    const scene = z.object({ animals: z.array(z.string()), count: z.number().int() });
    const { choices } = await clientOf(model).chat.completions.parse({
      model: "fovea",
      messages: [{ role: "user", content: "What is there?" }],
      response_format: zodResponseFormat(scene, "scene"),
    });
    expect(choices[0]!.message.parsed).toEqual({ animals: ["dog"], count: 1 });
    expect(model.requests[0]!.format).toMatchObject({
      type: "json-schema",
      schema: { type: "object", required: ["animals", "count"] },
    });
  });

  test("with a video, as vLLM takes it", async () => {
    const model = new FakeModel();
    const url = "data:video/mp4;base64,AA==";
    const content = [{ type: "video_url", video_url: { url } }] as unknown as OpenAI.ChatCompletionContentPart[];
    await clientOf(model).chat.completions.create({ model: "fovea", messages: [{ role: "user", content }] });
    expect(model.requests[0]!.messages[0]!.content).toEqual([{ type: "video", video: url }]);
  });

  test("with a picture", async () => {
    const model = new FakeModel();
    const url = "data:image/png;base64,AA==";
    await clientOf(model).chat.completions.create({
      model: "fovea",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url, detail: "auto" } },
            { type: "text", text: "What is it?" },
          ],
        },
      ],
    });
    expect(model.requests[0]!.messages[0]!.content).toEqual([
      { type: "image", image: url },
      { type: "text", text: "What is it?" },
    ]);
  });

  test("streamed", async () => {
    const stream = await clientOf(new FakeModel()).chat.completions.create({
      ...requestOf(),
      stream: true,
      stream_options: { include_usage: true },
    });
    let answer = "";
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      answer += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage;
    }
    expect(answer).toBe("A cat.");
    expect(usage).toEqual({ prompt_tokens: 21, completion_tokens: 3, total_tokens: 24 });
  });

  test("to its helper that gathers a stream", async () => {
    const stream = clientOf(new FakeModel()).chat.completions.stream(requestOf());
    const pieces: string[] = [];
    stream.on("content", (delta) => pieces.push(delta));
    expect((await stream.finalChatCompletion()).choices[0]!.message.content).toBe("A cat.");
    expect(pieces).toContain("cat.");
  });

  test.for(["create", "stream", "parse"] as const)("handed back as they come from `%s`", async (way) => {
    const model = new FakeModel();
    const { completions } = clientOf(model).chat;
    const first = requestOf();
    const answer = {
      create: async () => (await completions.create(first)).choices[0]!.message,
      stream: () => completions.stream(first).finalMessage(),
      parse: async () => (await completions.parse(first)).choices[0]!.message,
    };
    const message = await answer[way]();
    if (way !== "create") expect(message).toHaveProperty("parsed");
    await completions.create({ ...first, messages: [...first.messages, message, { role: "user", content: "More?" }] });
    expect(model.requests[1]!.messages.slice(-2)).toEqual([
      { role: "assistant", content: "A cat." },
      { role: "user", content: "More?" },
    ]);
  });

  test("handed back where an answer was empty", async () => {
    const model = new FakeModel([...BEGINNING, done()]);
    const { completions } = clientOf(model).chat;
    const message = await completions.stream(requestOf()).finalMessage();
    expect(message.content).toBe(null);
    await completions.create({ ...requestOf(), messages: [message, { role: "user", content: "More?" }] });
    expect(model.requests[1]!.messages[0]).toEqual({ role: "assistant", content: "" });
  });

  test("about the models", async () => {
    const { models } = clientOf(new FakeModel());
    const ids = [];
    for await (const { id } of models.list()) ids.push(id);
    expect(ids).toEqual(["fovea"]);
    expect((await models.retrieve("fovea")).owned_by).toBe("fovea");
    await expect(models.retrieve("gpt-4")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe("errors", () => {
  test("of requests", async () => {
    const model = new FakeModel();
    const { completions } = clientOf(model).chat;
    const bad = await completions.create(requestOf({ temperature: 9 })).catch((error: unknown) => error);
    expect(bad).toBeInstanceOf(OpenAI.BadRequestError);
    expect(bad).toMatchObject({ status: 400, param: "temperature", code: "invalid_value" });
    await expect(completions.create(requestOf({ model: "gpt-4" }))).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    expect(model.requests).toEqual([]);
  });

  test("of the engine, without a second try", async () => {
    const model = new FakeModel([new FoveaError("out-of-memory", "too large")]);
    const error = await clientOf(model)
      .chat.completions.create({ ...requestOf(), stream: true })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ status: 503, code: "out-of-memory" });
    expect(model.requests.length).toBe(1);
    const long = failing([new FoveaError("context-full", "too long")]).create(requestOf());
    await expect(long).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
  });

  test("in the course of a stream", async () => {
    const steps = [...BEGINNING, text("A"), new FoveaError("device-lost", "gone")];
    const stream = await failing(steps).create({ ...requestOf(), stream: true });
    const reading = (async () => {
      for await (const chunk of stream) expect(chunk.object).toBe("chat.completion.chunk");
    })();
    const error = await reading.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ code: "device-lost", message: "gone" });
  });
});

describe("aborts", () => {
  test("of a request", async () => {
    const model = new FakeModel(["wait"]);
    const stop = new AbortController();
    const asked = clientOf(model).chat.completions.create(requestOf(), { signal: stop.signal });
    setTimeout(() => stop.abort(), 5);
    await expect(asked).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await model.aborted;
    expect(model.requests.length).toBe(1);
  });

  test.for(["controller", "break", "signal"])("of a stream by %s", async (way) => {
    const model = new FakeModel([...BEGINNING, text("A"), text("B"), "wait"]);
    const stop = new AbortController();
    const { completions } = clientOf(model).chat;
    const stream = await completions.create({ ...requestOf(), stream: true }, { signal: stop.signal });
    let answer = "";
    for await (const { choices } of stream) {
      answer += choices[0]?.delta.content ?? "";
      if (answer !== "AB") continue;
      if (way === "controller") stream.controller.abort();
      if (way === "signal") stop.abort();
      if (way === "break") break;
    }
    await model.aborted;
    expect(answer).toBe("AB");
  });
});
