/** Answers in OpenAI's shapes: whole and streamed, usage, aborts, errors of the engine; the list of models. */
import { describe, expect, test } from "vitest";
import { FoveaError, type FoveaErrorCode } from "../../src/errors.ts";
import { ApiError } from "../../src/openai/api-error.ts";
import { FoveaOpenAI } from "../../src/openai/client.ts";
import type { ChatCompletionStream } from "../../src/openai/completion-stream.ts";
import { BEGINNING, done, FakeModel, INFO, requestOf, STATS, type Step, text } from "../support/fake-model.ts";

const streamed = (changes: object = {}) => ({ ...requestOf(changes), stream: true as const });
const completionsOf = (model: FakeModel) => new FoveaOpenAI(model).chat.completions;
const USAGE = { prompt_tokens: 21, completion_tokens: 3, total_tokens: 24 };

const E_ACUTE = { id: 4, text: "é", bytes: Uint8Array.of(0xc3, 0xa9), logprob: -0.5 };
const TOKEN = { ...E_ACUTE, top: [E_ACUTE] };
const CHAT_TOP = { token: "é", logprob: -0.5, bytes: [0xc3, 0xa9] };
const CHAT_TOKEN = { ...CHAT_TOP, top_logprobs: [CHAT_TOP] };

/** All chunks of a stream. */
async function read(stream: ChatCompletionStream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The ApiError that a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => expect.fail("no error"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe("a whole answer", () => {
  test("has the text, the reason and the usage", async () => {
    const before = Math.floor(Date.now() / 1000);
    const completion = await completionsOf(new FakeModel()).create(requestOf());
    expect(completion).toEqual({
      id: expect.stringMatching(/^chatcmpl-[\w-]{36}$/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "fovea",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "A cat.", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: USAGE,
      fovea: STATS,
    });
    expect(completion.created).toBeGreaterThanOrEqual(before);
    expect(completion.created).toBeLessThanOrEqual(Date.now() / 1000);
  });

  test("has as many choices as are asked for, each with a seed of its own", async () => {
    const model = new FakeModel();
    const completion = await completionsOf(model).create(requestOf({ n: 3, seed: 2 ** 32 - 1 }));
    expect(completion.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(model.requests.map(({ seed }) => seed)).toEqual([2 ** 32 - 1, 0, 1]);
    expect(completion.usage).toEqual({ prompt_tokens: 21, completion_tokens: 9, total_tokens: 30 });
  });

  test("that fails ends the others", async () => {
    const model = new FakeModel([text("A "), new FoveaError("device-lost", "gone")]);
    expect((await failure(completionsOf(model).create(requestOf({ n: 2 })))).status).toBe(503);
    expect(model.requests.map(({ signal }) => signal!.aborted)).toEqual([true, true]);
  });

  test("has log-probabilities in OpenAI's shape", async () => {
    const model = new FakeModel([{ type: "logprobs", tokens: [TOKEN] }, text("é"), done()]);
    const { choices } = await completionsOf(model).create(requestOf({ logprobs: true, top_logprobs: 1 }));
    expect(choices[0]!.logprobs).toEqual({ content: [CHAT_TOKEN], refusal: null });
    const chunks = await read(await completionsOf(model).create(streamed({ logprobs: true, top_logprobs: 1 })));
    expect(chunks[1]!.choices[0]).toEqual({
      ...{ index: 0, delta: { content: "é" }, finish_reason: null },
      logprobs: { content: [CHAT_TOKEN], refusal: null },
    });
  });

  test("tells each token's log-probability once", async () => {
    const other = { ...E_ACUTE, id: 5, text: "s", bytes: Uint8Array.of(0x73), top: [] };
    const tokens = [TOKEN, other].flatMap((one): Step[] => [{ type: "logprobs", tokens: [one] }, text(one.text)]);
    const stream = await completionsOf(new FakeModel([...tokens, done()])).create(streamed({ logprobs: true }));
    const told = (await read(stream)).map(({ choices }) => choices[0]!.logprobs?.content?.map(({ token }) => token));
    expect(told).toEqual([undefined, ["é"], ["s"], undefined]);
  });

  test("says when it was cut", async () => {
    const { choices } = await completionsOf(new FakeModel([text("A"), done("length")])).create(requestOf());
    expect(choices[0]).toMatchObject({ finish_reason: "length", message: { content: "A" } });
  });

  test("can be handed back as a message", async () => {
    const model = new FakeModel();
    const { choices } = await completionsOf(model).create(requestOf());
    const messages = [...requestOf().messages, choices[0]!.message, { role: "user" as const, content: "Sure?" }];
    await completionsOf(model).create({ model: "fovea", messages });
    expect(model.requests[1]!.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  });

  test("ends with its signal, before and in its course", async () => {
    const model = new FakeModel([...BEGINNING, text("A"), "wait"]);
    const stop = new AbortController();
    const answer = failure(completionsOf(model).create(requestOf(), { signal: stop.signal }));
    stop.abort();
    expect(await answer).toMatchObject({ status: 499, type: "aborted", code: "aborted" });
    const early = completionsOf(model).create(requestOf(), { signal: AbortSignal.abort() });
    expect(await failure(early)).toMatchObject({ status: 499, code: "aborted" });
  });
});

describe("a streamed answer", () => {
  test("streams several answers one after another", async () => {
    const chunks = await read(await completionsOf(new FakeModel()).create(streamed({ n: 2 })));
    expect(chunks.map(({ choices }) => choices[0]!.index)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(chunks.map(({ choices }) => choices[0]!.finish_reason).filter(Boolean)).toEqual(["stop", "stop"]);
  });

  test("comes as role, text and reason", async () => {
    const stream = await completionsOf(new FakeModel()).create(streamed());
    const chunks = await read(stream);
    const head = { id: stream.id, object: "chat.completion.chunk", created: expect.any(Number), model: "fovea" };
    const choice = (delta: object, reason: string | null = null) => [
      { index: 0, delta, logprobs: null, finish_reason: reason },
    ];
    expect(chunks).toEqual([
      { ...head, choices: choice({ role: "assistant", content: "" }) },
      { ...head, choices: choice({ content: "A " }) },
      { ...head, choices: choice({ content: "cat." }) },
      { ...head, choices: choice({}, "stop"), fovea: STATS },
    ]);
  });

  test("gives the usage at last, where it is asked for", async () => {
    const stream = await completionsOf(new FakeModel()).create(streamed({ stream_options: { include_usage: true } }));
    const chunks = await read(stream);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: USAGE });
    expect(chunks.slice(0, -1).map(({ usage }) => usage)).toEqual([null, null, null, null]);
  });

  test("comes while it is made", async () => {
    const stream = await completionsOf(new FakeModel([...BEGINNING, text("A"), "wait"])).create(streamed());
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    expect((await chunks.next()).value).toMatchObject({ choices: [{ delta: { content: "A" } }] });
    await chunks.return();
  });

  test("can be read once", async () => {
    const stream = await completionsOf(new FakeModel()).create(streamed());
    await read(stream);
    await expect(read(stream)).rejects.toThrow(/already read/);
  });

  test("may be empty", async () => {
    const chunks = await read(await completionsOf(new FakeModel([done()])).create(streamed()));
    expect(chunks.map(({ choices }) => choices[0]!.finish_reason)).toEqual([null, "stop"]);
  });

  test("ends the work when its loop is left", async () => {
    const model = new FakeModel([...BEGINNING, text("A"), text("B"), "wait"]);
    for await (const { choices } of await completionsOf(model).create(streamed()))
      if (choices[0]!.delta.content === "A") break;
    await model.aborted;
  });

  test.for(["signal", "controller"])("ends without a reason by its %s", async (way) => {
    const model = new FakeModel([...BEGINNING, text("A"), "wait"]);
    const stop = new AbortController();
    const stream = await completionsOf(model).create(streamed(), { signal: stop.signal });
    const reading = read(stream);
    (way === "signal" ? stop : stream.controller).abort();
    const chunks = await reading;
    await model.aborted;
    expect(chunks.map(({ choices }) => choices[0]!.finish_reason)).not.toContain("stop");
    expect(stop.signal.aborted).toBe(way === "signal");
  });

  test("that is aborted while the prompt is read fails as a request", async () => {
    const stop = new AbortController();
    const request = failure(completionsOf(new FakeModel(["wait"])).create(streamed(), { signal: stop.signal }));
    stop.abort();
    expect(await request).toMatchObject({ status: 499, code: "aborted" });
  });

  test("breaks off with the error that ended it", async () => {
    const lost = new FoveaError("device-lost", "the GPU is gone");
    const stream = await completionsOf(new FakeModel([...BEGINNING, text("A"), lost])).create(streamed());
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const { choices } of stream) seen.push(choices[0]!.delta.content);
    })();
    expect(await failure(reading)).toMatchObject({ status: 503, code: "device-lost", cause: lost });
    expect(seen).toEqual(["", "A"]);
  });
});

describe("errors of the engine", () => {
  const fovea = (code: FoveaErrorCode) => new FoveaError(code, "what, where, numbers");
  const CASES: [Error, object][] = [
    [
      fovea("context-full"),
      { status: 400, type: "invalid_request_error", code: "context_length_exceeded", param: "messages" },
    ],
    [fovea("bad-image"), { status: 400, type: "invalid_request_error", code: "invalid_image", param: "messages" }],
    [fovea("download-failed"), { status: 400, code: "invalid_image_url", param: "messages" }],
    [fovea("unsupported-model"), { status: 400, code: "unsupported_model", param: "model" }],
    [fovea("device-lost"), { status: 503, type: "server_error", code: "device-lost", param: null }],
    [fovea("out-of-memory"), { status: 503, type: "server_error", code: "out-of-memory" }],
    [fovea("no-webgpu"), { status: 503, code: "no-webgpu" }],
    [fovea("disposed"), { status: 503, code: "disposed" }],
    [fovea("aborted"), { status: 499, type: "aborted" }],
    [fovea("bad-weights"), { status: 500, type: "server_error", code: "bad-weights" }],
    // From another bundle of the library, whose class is another one.
    [Object.assign(new Error("gone"), { name: "FoveaError", code: "device-lost" }), { status: 503 }],
    [new RangeError("compression.tokens must be an integer"), { status: 400, param: "fovea.compression.tokens" }],
    [new TypeError("inhibition must be an object"), { status: 400, param: "fovea.inhibition" }],
    [new RangeError("topK must be an integer"), { status: 400, param: "fovea.topK" }],
    [new RangeError("messages: the template refuses them"), { status: 400, param: "messages" }],
    [new TypeError("constructor"), { status: 400, param: null }],
    [new Error("a fault"), { status: 500, type: "server_error", code: null, param: null, message: "a fault" }],
  ];
  test.for(CASES)("%s", async ([error, expected]) => {
    for (const steps of [[error], [BEGINNING[0]!, { type: "recovering" }, error]] satisfies Step[][]) {
      const whole = await failure(completionsOf(new FakeModel(steps)).create(requestOf()));
      expect(whole).toMatchObject({ ...expected, cause: error });
      // Before the text begins it is the request that fails, and not its stream.
      const request = await failure(completionsOf(new FakeModel(steps)).create(streamed()));
      expect(request).toMatchObject(expected);
    }
  });

  test("thrown at once", async () => {
    const model = Object.assign(new FakeModel(), {
      generate: () => {
        throw fovea("disposed");
      },
    });
    expect(await failure(completionsOf(model).create(requestOf()))).toMatchObject({ status: 503, code: "disposed" });
  });

  test("an answer without an end is a fault", async () => {
    const model = () => completionsOf(new FakeModel([text("A")]));
    expect(await failure(model().create(requestOf()))).toMatchObject({ status: 500 });
    expect(await failure(model().create(streamed()).then(read))).toMatchObject({ status: 500 });
  });
});

describe("models", () => {
  const small = new FakeModel();
  const large = new FakeModel();
  const client = new FoveaOpenAI({ small, "owner/large": large });
  const model = (id: string) => ({
    ...{ id, object: "model", owned_by: "fovea", fovea: INFO },
    created: expect.any(Number),
  });

  test("are listed by their ids", async () => {
    expect(await client.models.list()).toEqual({ object: "list", data: [model("small"), model("owner/large")] });
    expect(await client.models.retrieve("owner/large")).toEqual(model("owner/large"));
    expect(await failure(client.models.retrieve("other"))).toMatchObject({ status: 404, code: "model_not_found" });
  });

  test("answer to their ids", async () => {
    const completion = await client.chat.completions.create(requestOf({ model: "owner/large" }));
    expect(completion.model).toBe("owner/large");
    expect([small.requests.length, large.requests.length]).toEqual([0, 1]);
  });
});
