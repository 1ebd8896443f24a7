/** A model on a server answers where one cannot run here: without WebGPU, or without memory. Node has no WebGPU. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { FoveaModel, LoadProgress } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { FoveaError, type FoveaErrorCode } from "../../src/errors.ts";
import { createFovea } from "../../src/worker/client.ts";
import { chatFiles } from "../support/chat-files.ts";
import { answerOf, ChatServer } from "../support/chat-server.ts";
import { MESSAGES, remoteTo } from "../support/failing-remote.ts";
import { fakeWorkers } from "../support/fake-worker.ts";

let server: ChatServer;
beforeAll(async () => {
  server = await ChatServer.start();
  server.answers = [answerOf("From the server.")];
});
afterAll(() => server.close());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const failingLoad = (code: FoveaErrorCode) => () => Promise.reject(new FoveaError(code, "no luck; try another"));

test("without WebGPU the fallback answers, and says so", async () => {
  const fallback = remoteTo(server);
  const told: LoadProgress[] = [];
  const model = await Fovea.load(await chatFiles(), { fallback, onProgress: (progress) => told.push(progress) });
  expect(model).toBe(fallback);
  const { type, message } = told.at(-1)!;
  expect(type).toBe("fallback");
  expect(message).toMatch(/^model on http:\S+\/v1 answers, because the model cannot run here: .*WebGPU/);
  expect(told.filter((progress) => progress.type === "fallback")).toHaveLength(1);
  const answer = model.generate({ messages: MESSAGES });
  expect(await answer.text()).toBe("From the server.");
  expect(answer.stats!.server).toMatchObject({ model: "model" });
  await expect(Fovea.load(await chatFiles())).rejects.toMatchObject({ code: "no-webgpu" });
});

test.for<[FoveaErrorCode, boolean]>([
  ["no-webgpu", true],
  ["out-of-memory", true],
  ["aborted", false],
  ["bad-weights", false],
  ["download-failed", false],
  ["unsupported-model", false],
])("in a worker that fails with %s: %s", async ([code, isTaken]) => {
  fakeWorkers(failingLoad(code) as never);
  const fallback = remoteTo(server);
  const loading: Promise<FoveaModel> = createFovea("https://example.org/model/", { fallback });
  if (isTaken) expect(await loading).toBe(fallback);
  else await expect(loading).rejects.toMatchObject({ code });
});

test("a fallback that is no model is refused", async () => {
  const wrong = { fallback: { baseURL: "https://host" } as unknown as FoveaModel };
  await expect(Fovea.load("x", wrong)).rejects.toThrow(/fallback must be a model, such as one of createRemote/);
  await expect(createFovea("x", wrong)).rejects.toThrow(TypeError);
});
