/** Aborts of calls that a busy worker does not hear of. */
import { afterEach, expect, test, vi } from "vitest";
import type { GenerateRequest } from "../../src/api.ts";
import { createFovea } from "../../src/worker/client.ts";
import { fakeWorkers } from "../support/fake-worker.ts";

const question: GenerateRequest = { messages: [{ role: "user", content: "Hello" }] };

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("an abort ends a call within a second, also where the worker is too busy to hear of it", async () => {
  const never = () => new Promise<never>(() => {});
  const generate = () => ({ [Symbol.asyncIterator]: () => ({ next: never }) });
  fakeWorkers(
    async () => ({ info: {}, memory: { gpuBytes: 0, peakGpuBytes: 0 }, encodeImage: never, generate }) as never,
  );
  const remote = await createFovea("https://example.org/model/");
  for (const aborted of [AbortSignal.abort(), AbortSignal.timeout(20)]) {
    const start = performance.now();
    const answer = remote.generate({ ...question, signal: aborted }).text();
    const features = remote.encodeImage(new Blob(["x"]), { signal: aborted });
    for (const call of [answer, features]) await expect(call).rejects.toMatchObject({ code: "aborted" });
    expect(performance.now() - start).toBeLessThan(1500);
  }
});
