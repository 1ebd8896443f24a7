/** The service as a fetch function: addresses, statuses, headers, server-sent events to the byte, aborts. */
import { describe, expect, test } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { createFetch } from "../../src/openai/fetch.ts";
import { BEGINNING, FakeModel, INFO, requestOf, text } from "../support/fake-model.ts";

const ORIGIN = "http://fovea.local/v1";

/** What a POST to the completions answers. */
function post(model: FakeModel, changes: object = {}, init: RequestInit = {}): Promise<Response> {
  return createFetch(model)(`${ORIGIN}/chat/completions`, {
    method: "POST",
    body: JSON.stringify(requestOf(changes)),
    ...init,
  });
}

async function errorOf(response: Response) {
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  // Or the official client asks the same engine again, three times.
  expect(response.headers.get("x-should-retry")).toBe("false");
  const { error, ...rest } = await response.json();
  expect(rest).toEqual({});
  expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
  return { status: response.status, ...error };
}

describe("addresses", () => {
  test("of the models", async () => {
    const models = createFetch({ small: new FakeModel(), "owner/large": new FakeModel() });
    const list = await (await models(`${ORIGIN}/models`)).json();
    expect(list).toMatchObject({ object: "list", data: [{ id: "small", fovea: INFO }, { id: "owner/large" }] });
    for (const id of ["owner/large", "owner%2Flarge"])
      expect(await (await models(new URL(`${ORIGIN}/models/${id}`))).json()).toMatchObject({ id: "owner/large" });
    for (const id of ["other", "%E0%A4%A"])
      expect(await errorOf(await models(`${ORIGIN}/models/${id}`))).toMatchObject({ status: 404 });
  });

  test("of other servers are answered here, too", async () => {
    const response = await createFetch(new FakeModel())("https://api.openai.com/v1/models?limit=5");
    expect(response.status).toBe(200);
  });

  test("that nobody knows", async () => {
    for (const path of ["", "/embeddings/5", "/chat/completions/5", "/model", "/modelsx"]) {
      const error = await errorOf(await createFetch(new FakeModel())(ORIGIN + path));
      expect(error).toMatchObject({ status: 404, code: "unknown_url" });
    }
  });

  test("by a wrong method", async () => {
    const answer = createFetch(new FakeModel());
    const method = { status: 405, code: "method_not_allowed" };
    expect(await errorOf(await answer(`${ORIGIN}/chat/completions`))).toMatchObject(method);
    expect(await errorOf(await answer(`${ORIGIN}/models`, { method: "DELETE" }))).toMatchObject(method);
  });

  test("that are none are refused as by fetch", async () => {
    await expect(createFetch(new FakeModel())("no address")).rejects.toThrow(TypeError);
  });
});

describe("an answer", () => {
  test("as JSON", async () => {
    const response = await post(new FakeModel());
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    const completion = await response.json();
    expect(completion).toMatchObject({ object: "chat.completion", choices: [{ message: { content: "A cat." } }] });
    expect(response.headers.get("x-request-id")).toBe(completion.id);
  });

  test("takes a Request", async () => {
    const request = new Request(`${ORIGIN}/chat/completions`, { method: "POST", body: JSON.stringify(requestOf()) });
    expect((await createFetch(new FakeModel())(request)).status).toBe(200);
  });

  test("as server-sent events", async () => {
    const response = await post(new FakeModel(), { stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = (await response.text()).split("\n\n");
    expect(events.pop()).toBe("");
    expect(events.pop()).toBe("data: [DONE]");
    for (const event of events) expect(event).toMatch(/^data: \{[^\n]*\}$/);
    const chunks = events.map((event) => JSON.parse(event.slice("data: ".length)));
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: "assistant", content: "" },
      { content: "A " },
      { content: "cat." },
      {},
      undefined,
    ]);
    expect(chunks.at(-1).usage).toEqual({ prompt_tokens: 21, completion_tokens: 3, total_tokens: 24 });
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([response.headers.get("x-request-id")]));
  });

  test("keeps the lines of events apart from those of the text", async () => {
    const body = await (await post(new FakeModel([text("a\n\ndata: [DONE]\n\n")]), { stream: true })).text();
    expect(body.split("\n\n").filter((event) => event === "data: [DONE]")).toEqual([]);
  });
});

describe("an error", () => {
  test.for(["", "{", "[1, 2", '"text" 5', "\u0000"])("for the body %j", async (body) => {
    const error = await errorOf(await post(new FakeModel(), {}, { body }));
    expect(error).toMatchObject({ status: 400, code: "invalid_json", type: "invalid_request_error" });
  });

  test.for(["null", "5", "[]", '"text"'])("for the JSON %s", async (body) => {
    expect(await errorOf(await post(new FakeModel(), {}, { body }))).toMatchObject({ status: 400, param: "body" });
  });

  test("has its status", async () => {
    const failing = (error: Error) => post(new FakeModel([error]), { stream: true }).then(errorOf);
    expect(await errorOf(await post(new FakeModel(), { n: 0 }))).toMatchObject({ status: 400, param: "n" });
    expect(await errorOf(await post(new FakeModel(), { model: "x" }))).toMatchObject({ status: 404, param: "model" });
    expect(await failing(new FoveaError("out-of-memory", "too large"))).toMatchObject({
      ...{ status: 503, code: "out-of-memory", message: "too large", type: "server_error" },
    });
    expect(await failing(new Error("a fault"))).toMatchObject({ status: 500 });
    expect(await failing(new FoveaError("aborted", "by somebody else"))).toMatchObject({ status: 499 });
  });

  test("after the first words is the last event", async () => {
    const model = new FakeModel([...BEGINNING, text("A"), new FoveaError("device-lost", "gone")]);
    const events = (await (await post(model, { stream: true })).text()).trimEnd().split("\n\n");
    expect(JSON.parse(events.at(-1)!.slice("data: ".length))).toEqual({
      error: { message: "gone", type: "server_error", param: null, code: "device-lost" },
    });
    expect(events.join()).not.toContain("[DONE]");
  });
});

describe("an abort", () => {
  const hanging = () => new FakeModel([...BEGINNING, text("A"), "wait"]);

  test("before the answer rejects with its reason", async () => {
    const model = new FakeModel(["wait"]);
    const stop = new AbortController();
    for (const stream of [true, false]) {
      const early = post(model, { stream }, { signal: AbortSignal.abort() });
      await expect(early).rejects.toMatchObject({ name: "AbortError" });
    }
    const asked = post(model, {}, { signal: stop.signal });
    stop.abort(new Error("changed my mind"));
    await expect(asked).rejects.toThrow("changed my mind");
    await model.aborted;
  });

  test("in the answer breaks it off", async () => {
    const model = hanging();
    const stop = new AbortController();
    const { body } = await post(model, { stream: true }, { signal: stop.signal });
    const reader = body!.getReader();
    await reader.read();
    await reader.read();
    stop.abort();
    await expect(reader.read()).rejects.toMatchObject({ name: "AbortError" });
    await model.aborted;
  });

  test("of the reader ends the work", async () => {
    const model = hanging();
    const { body } = await post(model, { stream: true });
    await body!.cancel();
    await model.aborted;
  });
});
