/** What a request in OpenAI's shape asks of the model, and which requests are refused, for which field. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ApiError } from "../../src/openai/api-error.ts";
import { type ChatModels, FoveaOpenAI } from "../../src/openai/client.ts";
import type { ChatCompletionRequestNonStreaming } from "../../src/openai/types.ts";
import { FakeModel, requestOf } from "../support/fake-model.ts";

const URL_OF_CAT = "https://example.org/cat.png";
const video = (fields: object = {}) => ({ type: "video_url", video_url: { url: URL_OF_CAT, ...fields } });
const image = (fields: object = {}) => ({ type: "image_url", image_url: { url: URL_OF_CAT, ...fields } });
const say = (content: unknown, role = "user") => ({ messages: [{ role, content }] });

/** What the model was asked, without the signal. */
async function asked(changes: object) {
  const model = new FakeModel();
  await new FoveaOpenAI(model).chat.completions.create(requestOf(changes) as ChatCompletionRequestNonStreaming);
  const { signal, ...request } = model.requests[0]!;
  expect(signal).toBeInstanceOf(AbortSignal);
  return request;
}

describe("the model is asked", () => {
  test("no more than was given, with another seed each time", async () => {
    const { seed, ...request } = await asked({});
    expect(request).toEqual({ messages: [{ role: "user", content: "What is it?" }] });
    const seeds = await Promise.all(Array.from({ length: 8 }, async () => (await asked({})).seed));
    expect(new Set([seed, ...seeds]).size).toBeGreaterThan(1);
    for (const one of seeds) expect(one).toBe(one! >>> 0);
  });

  test("with all settings", async () => {
    const fovea = { compression: { method: "pool", factor: 2 }, inhibition: { maxRatio: 0 }, topK: 5 };
    const settings = { temperature: 0.5, top_p: 0.9, max_completion_tokens: 7, seed: 3, stop: ["a", "b"] };
    expect(await asked({ ...settings, fovea: { ...fovea, repetitionPenalty: 1.5 } })).toEqual({
      messages: [{ role: "user", content: "What is it?" }],
      ...{ temperature: 0.5, topP: 0.9, maxTokens: 7, seed: 3, stop: ["a", "b"], repetitionPenalty: 1.5 },
      ...fovea,
    });
  });

  test.for<[object, object]>([
    [{ max_tokens: 9 }, { maxTokens: 9 }],
    [{ max_tokens: null, max_completion_tokens: 9 }, { maxTokens: 9 }],
    [{ stop: "end" }, { stop: ["end"] }],
    [{ stop: [] }, { stop: [] }],
    [{ temperature: 0 }, { temperature: 0 }],
    [
      { temperature: 2, top_p: 0 },
      { temperature: 2, topP: 0 },
    ],
    [{ seed: 2 ** 32 + 5 }, { seed: 5 }],
    [{ seed: -1 }, { seed: 2 ** 32 - 1 }],
    [{ logprobs: true }, { topLogprobs: 0 }],
    [{ response_format: { type: "json_object" } }, { format: { type: "json" } }],
    [
      { response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema: { type: "array" } } } },
      { format: { type: "json-schema", schema: { type: "array" } } },
    ],
    [{ logprobs: true, top_logprobs: 3 }, { topLogprobs: 3 }],
    [
      { frequency_penalty: 0.5, presence_penalty: -2 },
      { frequencyPenalty: 0.5, presencePenalty: -2 },
    ],
    [{ logit_bias: { 5: 100 } }, { logitBias: { 5: 100 } }],
    [{ fovea: null }, {}],
    [{ fovea: { compression: null } }, {}],
  ])("%o as %o", async ([given, expected]) => {
    const { messages, seed, ...request } = await asked({ seed: 0, ...given });
    expect({ ...request, ...("seed" in expected ? { seed } : {}) }).toEqual(expected);
  });

  test("all that is null, neutral or bookkeeping as if it were absent", async () => {
    const nothing = [
      "stop",
      "temperature",
      "top_p",
      "max_tokens",
      "seed",
      "stream",
      "stream_options",
      "tools",
      "audio",
    ];
    const neutral = {
      ...{ n: 1, logprobs: false, top_logprobs: 0, frequency_penalty: null, presence_penalty: null, logit_bias: {} },
      ...{ tool_choice: "none", functions: [], response_format: { type: "text" }, modalities: ["text"] },
      ...{ user: "me", metadata: { a: "b" }, store: true, service_tier: "auto", parallel_tool_calls: true },
      ...{ verbosity: "medium", reasoning_effort: "none", safety_identifier: "x", prompt_cache_key: "x" },
    };
    const { seed, ...request } = await asked({
      ...Object.fromEntries(nothing.map((name) => [name, null])),
      ...neutral,
    });
    expect(Object.keys(request)).toEqual(["messages"]);
  });

  test("in roles that its template knows, with pictures where they stand", async () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "developer", content: [{ type: "text", text: "Be kind." }] },
      { role: "user", name: "Ann", content: [{ type: "text", text: "This:" }, image({ detail: "low" }), image()] },
      { role: "assistant", content: "A cat.", refusal: null, annotations: [], audio: null, tool_calls: [] },
      { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }] },
    ];
    expect((await asked({ messages })).messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "system", content: [{ type: "text", text: "Be kind." }] },
      {
        role: "user",
        content: [
          { type: "text", text: "This:" },
          { type: "image", image: URL_OF_CAT },
          { type: "image", image: URL_OF_CAT },
        ],
      },
      { role: "assistant", content: "A cat." },
      { role: "user", content: [{ type: "image", image: "data:image/png;base64,AA==" }] },
    ]);
  });
});

/** Changes of a good request, the field that is named, the code. */
const REFUSED: [changes: object, param: string, code: string][] = [
  [{ model: undefined }, "model", "missing_required_parameter"],
  [{ model: 5 }, "model", "invalid_type"],
  [{ messages: undefined }, "messages", "missing_required_parameter"],
  [{ messages: null }, "messages", "missing_required_parameter"],
  [{ messages: "Hello" }, "messages", "invalid_type"],
  [{ messages: { length: 1 } }, "messages", "invalid_type"],
  [{ messages: [] }, "messages", "empty_array"],
  [{ messages: [null] }, "messages[0]", "missing_required_parameter"],
  [{ messages: new Array(2) }, "messages[0]", "missing_required_parameter"],
  [{ messages: ["Hello"] }, "messages[0]", "invalid_type"],
  [{ messages: [{ content: "Hello" }] }, "messages[0].role", "missing_required_parameter"],
  [say("Hello", "robot"), "messages[0].role", "invalid_value"],
  [say("Hello", "toString"), "messages[0].role", "invalid_value"],
  [say("Hello", "x".repeat(1e6)), "messages[0].role", "invalid_value"],
  [{ messages: [{ role: "function", name: "f", content: "" }] }, "messages[0].role", "unsupported_value"],
  [{ messages: [{ role: "assistant", content: "", function_call: {} }] }, "messages[0].role", "unsupported_value"],
  [{ messages: [{ role: "user", content: "", text: "" }] }, "messages[0].text", "unknown_parameter"],
  [say(undefined), "messages[0].content", "missing_required_parameter"],
  [say(null), "messages[0].content", "missing_required_parameter"],
  [say(5), "messages[0].content", "invalid_type"],
  [say({ type: "text", text: "" }), "messages[0].content", "invalid_type"],
  [say([]), "messages[0].content", "empty_array"],
  [say(["Hello"]), "messages[0].content[0]", "invalid_type"],
  [say([null]), "messages[0].content[0]", "missing_required_parameter"],
  [say([{}]), "messages[0].content[0].type", "missing_required_parameter"],
  [say([{ type: 5 }]), "messages[0].content[0].type", "invalid_type"],
  [say([{ type: "input_audio" }]), "messages[0].content[0].type", "invalid_value"],
  [say([{ type: "text" }]), "messages[0].content[0].text", "missing_required_parameter"],
  [say([{ type: "text", text: ["a"] }]), "messages[0].content[0].text", "invalid_type"],
  [say([{ type: "text", text: "", txt: 1 }]), "messages[0].content[0].txt", "unknown_parameter"],
  [say([image()], "system"), "messages[0].content[0].type", "invalid_value"],
  [say([image()], "assistant"), "messages[0].content[0].type", "invalid_value"],
  [say([{ type: "image_url" }]), "messages[0].content[0].image_url", "missing_required_parameter"],
  [say([{ type: "image_url", image_url: URL_OF_CAT }]), "messages[0].content[0].image_url", "invalid_type"],
  [say([image({ url: null })]), "messages[0].content[0].image_url.url", "missing_required_parameter"],
  [say([image({ url: new URL(URL_OF_CAT) })]), "messages[0].content[0].image_url.url", "invalid_type"],
  [say([image({ url: "" })]), "messages[0].content[0].image_url.url", "invalid_image_url"],
  [say([image({ url: "cat.png" })]), "messages[0].content[0].image_url.url", "invalid_image_url"],
  [say([image({ url: "javascript:alert(1)" })]), "messages[0].content[0].image_url.url", "invalid_image_url"],
  [say([image({ url: "file:///etc/passwd" })]), "messages[0].content[0].image_url.url", "invalid_image_url"],
  [say([image({ detail: "huge" })]), "messages[0].content[0].image_url.detail", "invalid_value"],
  [say([image({ detail: 3 })]), "messages[0].content[0].image_url.detail", "invalid_value"],
  [say([image({ alt: "" })]), "messages[0].content[0].image_url.alt", "unknown_parameter"],
  [say([{ type: "video_url" }]), "messages[0].content[0].video_url", "missing_required_parameter"],
  [say([video({ url: "clip.mp4" })]), "messages[0].content[0].video_url.url", "invalid_video_url"],
  [say([video({ fps: 2 })]), "messages[0].content[0].video_url.fps", "unknown_parameter"],
  [say([video()], "system"), "messages[0].content[0].type", "invalid_value"],
  [{ stream: "true" }, "stream", "invalid_type"],
  [{ stream: 1 }, "stream", "invalid_type"],
  [{ stream_options: { include_usage: true } }, "stream_options", "invalid_value"],
  [{ stream: true, stream_options: [] }, "stream_options", "invalid_type"],
  [{ stream: true, stream_options: { include_usage: 1 } }, "stream_options.include_usage", "invalid_type"],
  [{ stream: true, stream_options: { usage: true } }, "stream_options.usage", "unknown_parameter"],
  [{ max_tokens: 0 }, "max_tokens", "invalid_value"],
  [{ max_tokens: 2.5 }, "max_tokens", "invalid_value"],
  [{ max_tokens: "8" }, "max_tokens", "invalid_type"],
  [{ max_tokens: [8] }, "max_tokens", "invalid_type"],
  [{ max_completion_tokens: -1 }, "max_completion_tokens", "invalid_value"],
  [{ max_completion_tokens: 2 ** 40 }, "max_completion_tokens", "invalid_value"],
  [{ max_tokens: 8, max_completion_tokens: 8 }, "max_tokens", "invalid_value"],
  [{ temperature: -0.1 }, "temperature", "invalid_value"],
  [{ temperature: 2.1 }, "temperature", "invalid_value"],
  [{ temperature: Number.NaN }, "temperature", "invalid_value"],
  [{ temperature: "hot" }, "temperature", "invalid_type"],
  [{ temperature: 1n }, "temperature", "invalid_type"],
  [{ top_p: 1.1 }, "top_p", "invalid_value"],
  [{ top_p: {} }, "top_p", "invalid_type"],
  [{ seed: 0.5 }, "seed", "invalid_value"],
  [{ seed: 2 ** 60 }, "seed", "invalid_value"],
  [{ seed: "1" }, "seed", "invalid_type"],
  [{ stop: 5 }, "stop", "invalid_type"],
  [{ stop: "" }, "stop", "invalid_value"],
  [{ stop: ["a", "b", "c", "d", "e"] }, "stop", "array_above_max_length"],
  [{ stop: ["a", 5] }, "stop[1]", "invalid_type"],
  [{ stop: [""] }, "stop[0]", "invalid_value"],
  [{ stop: "x".repeat(1025) }, "stop", "invalid_value"],
  [{ n: 0 }, "n", "invalid_value"],
  [{ n: 129 }, "n", "invalid_value"],
  [{ n: "1" }, "n", "invalid_type"],
  [{ logprobs: 1 }, "logprobs", "invalid_type"],
  [{ top_logprobs: 3 }, "top_logprobs", "invalid_value"],
  [{ logprobs: true, top_logprobs: 21 }, "top_logprobs", "invalid_value"],
  [{ frequency_penalty: 2.5 }, "frequency_penalty", "invalid_value"],
  [{ presence_penalty: "0" }, "presence_penalty", "invalid_type"],
  [{ logit_bias: [] }, "logit_bias", "invalid_type"],
  [{ logit_bias: { 5: "100" } }, "logit_bias.5", "invalid_type"],
  [{ functions: [{}] }, "functions", "unsupported_parameter"],
  [{ response_format: { type: "yaml" } }, "response_format.type", "invalid_value"],
  [{ response_format: { type: "json_schema" } }, "response_format.json_schema", "missing_required_parameter"],
  [
    { response_format: { type: "json_schema", json_schema: {} } },
    "response_format.json_schema.name",
    "missing_required_parameter",
  ],
  [{ response_format: "text" }, "response_format", "invalid_type"],
  [{ modalities: ["text", "audio"] }, "modalities", "unsupported_value"],
  [{ reasoning_effort: "high" }, "reasoning_effort", "unsupported_value"],
  [{ web_search_options: {} }, "web_search_options", "unsupported_parameter"],
  [{ max_token: 8 }, "max_token", "unknown_parameter"],
  [{ ["y".repeat(1000)]: 8 }, `${"y".repeat(77)}...`, "unknown_parameter"],
  [{ fovea: "fast" }, "fovea", "invalid_type"],
  [{ fovea: { maxTokens: 5 } }, "fovea.maxTokens", "unknown_parameter"],
  [{ fovea: { compression: "vmtc" } }, "fovea.compression", "invalid_type"],
  [{ fovea: { inhibition: 0.6 } }, "fovea.inhibition", "invalid_type"],
];

/** The error of a request; fails unless it is one in OpenAI's shape, and the model was not asked. */
async function refusal(body: unknown): Promise<ApiError> {
  const model = new FakeModel();
  const create = new FoveaOpenAI(model).chat.completions.create(body as ChatCompletionRequestNonStreaming);
  const error = await create.then(
    () => expect.fail("not refused"),
    (reason: unknown) => reason as ApiError,
  );
  expect(error).toBeInstanceOf(ApiError);
  expect(model.requests).toEqual([]);
  expect(error.message.length).toBeLessThan(300);
  expect(error.error).toMatchObject({ message: error.message, type: "invalid_request_error" });
  return error;
}

describe("a request is refused", () => {
  const cases = REFUSED.map(([changes, param, code]) => ({
    changes,
    param,
    code,
    shown: inspect(changes, { breakLength: Infinity, depth: 9 }).slice(0, 80),
  }));
  test.for(cases)("$shown: $code", async ({ changes, param, code }) => {
    const error = await refusal(requestOf(changes));
    expect(error).toMatchObject({ status: 400, param, code });
    // The message names the field, too: it is what most people see.
    expect(error.message).toContain(param.replace(/\.role$/, ""));
  });

  test.for([undefined, null, "{}", 5, [], () => {}])("that is %o", async (body) => {
    expect(await refusal(body)).toMatchObject({ status: 400, param: "body" });
  });

  test("that takes a field from its prototype", async () => {
    const body = Object.assign(Object.create({ messages: requestOf().messages }), { model: "fovea" });
    expect(await refusal(body)).toMatchObject({ param: "messages", code: "missing_required_parameter" });
  });

  test("for a model that is not there", async () => {
    for (const model of ["gpt-4", "", "constructor", "__proto__", "z".repeat(1e6)]) {
      const error = await refusal(requestOf({ model }));
      expect(error).toMatchObject({ status: 404, param: "model", code: "model_not_found" });
      expect(error.message).toContain("available: fovea");
    }
  });
});

test.for<unknown>([undefined, null, {}, 5, { a: new FakeModel(), b: null }, { a: { generate: 5 } }])(
  "%o is no model",
  (models) => {
    expect(() => new FoveaOpenAI(models as ChatModels)).toThrow(TypeError);
  },
);
