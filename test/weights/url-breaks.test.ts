/** Broken transfers that url-source.ts resumes, and reads that end early. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { ByteSource } from "../../src/weights/byte-source.ts";
import { openUrl } from "../../src/weights/url-source.ts";
import { type Behaviour, endingAfter, QUICK_RETRY, serve, withoutRanges, withRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";
import { big, expectBytes, later, open, PREFIX, small } from "./url-cases.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

describe("failures that pass", () => {
  test("a cut connection goes on at the byte it had reached", async () => {
    // Connections 1 and 2 send part of what they promise, and are dropped once the client has some of it.
    let drop = () => {};
    const { source, requests } = await open(big, (served) => {
      const { index, range, response } = served;
      if (index !== 1 && index !== 2) return withRanges(served);
      response.writeHead(206, { "Content-Length": range!.end - range!.start });
      response.write(big.subarray(range!.start, range!.start + 70_000));
      drop = () => response.destroy();
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of source!.stream(100_000, 400_000)) {
      chunks.push(chunk);
      drop();
    }
    expectBytes(Buffer.concat(chunks), big.subarray(100_000));
    expect(requests).toHaveLength(4);
    const starts = requests.slice(1).map((request) => Number(/ (\d+)-/.exec(request)![1]));
    expect(starts[0]).toBe(100_000);
    expect(starts[1]).toBeGreaterThan(starts[0]!);
    expect(starts[2]).toBeGreaterThan(starts[1]!);
  });

  test("a cut connection without ranges skips what it has", async () => {
    const { source } = await open(big, (served) => {
      if (served.index !== 1) return withoutRanges(served);
      served.response.writeHead(200, { "Content-Length": big.length });
      served.response.write(big.subarray(0, 250_000), () => setTimeout(() => served.response.destroy(), 5));
    });
    expectBytes(await source!.read(0, 400_000), big);
  });

  test("a part that ends early, though properly, is asked for again, but not for ever", async () => {
    const { source, requests } = await open(big, later(endingAfter(50)));
    await expect(source!.read(100_000, 101_000)).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/^f: .*ended at byte 100150 of 101000; gave up after 3 attempts; check/),
    });
    expect(requests.slice(1)).toEqual(["f 100000-100999", "f 100050-100999", "f 100100-100999"]);
  });

  test("a long download survives more breaks than attempts, as long as it gets on", async () => {
    const bytes = patternBytes(8 << 20);
    const { source, requests } = await open(bytes, later(endingAfter(1_500_000)), { ...QUICK_RETRY, attempts: 2 });
    expectBytes(await source!.read(0, bytes.length), bytes);
    // 64 KiB came with the opening request.
    expect(requests).toHaveLength(1 + Math.ceil((bytes.length - PREFIX) / 1_500_000));
  });

  test.each([500, 502, 503, 429, 408])("HTTP %i", async (status) => {
    const { source, requests } = await open(small, (served) => {
      if (served.index > 1) return withRanges(served);
      served.response.writeHead(status, { "Retry-After": "0" }).end();
    });
    expectBytes(await source!.read(0, 1000), small);
    expect(requests).toHaveLength(3);
  });

  test("an error that stays is told with its status and the number of attempts", async () => {
    const server = await serve(
      { f: small },
      ({ response }) => void response.writeHead(503, { "Retry-After": "900" }).end(),
    );
    const begin = performance.now();
    await expect(openUrl(new URL("f", server.url), "f", { retry: QUICK_RETRY })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/^f: http.*\/f answered HTTP 503; gave up after 3 attempts/),
    });
    expect(server.requests).toHaveLength(3);
    // The server's wish for 900 s is bounded by the policy.
    expect(performance.now() - begin).toBeLessThan(50_000);
  });

  test("a server that is not there", async () => {
    const server = await serve({});
    await server.close();
    await expect(openUrl(new URL("f", server.url), "f", { retry: QUICK_RETRY })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/^f: the connection to http.*\/f failed \(.*ECONNREFUSED.*\); gave up after 3/),
    });
  });

  test("a redirect that never ends", async () => {
    const server = await serve({ f: small }, ({ response }) => void response.writeHead(302, { Location: "/f" }).end());
    await expect(openUrl(new URL("f", server.url), "f", { retry: QUICK_RETRY })).rejects.toMatchObject({
      code: "download-failed",
    });
  });

  test("a connection on which nothing arrives any more", async () => {
    const { source, requests } = await open(
      big,
      (served) => {
        if (served.index !== 1) return withRanges(served);
        served.response.writeHead(206, { "Content-Length": 100_000 }).write(big.subarray(100_000, 100_500));
      },
      { ...QUICK_RETRY, attempts: 10, stallMs: 1000 },
    );
    expectBytes(await source!.read(100_000, 200_000), big.subarray(100_000, 200_000));
    expect(requests[2]).toBe("f 100500-199999");
  });

  test("a consumer that takes its time is no stall: no clock runs while it does", async () => {
    const stallMs = 45_678;
    const { source } = await open(big, withRanges, { ...QUICK_RETRY, stallMs });
    const setSpy = vi.spyOn(globalThis, "setTimeout");
    const clearSpy = vi.spyOn(globalThis, "clearTimeout");
    onTestFinished(() => void vi.restoreAllMocks());
    let armed = 0;
    for await (const _ of source!.stream(PREFIX, PREFIX + 1000)) {
      const clocks = setSpy.mock.results.filter((_, i) => setSpy.mock.calls[i]![1] === stallMs);
      armed += clocks.length;
      for (const { value } of clocks) expect(clearSpy.mock.calls.map(([timer]) => timer)).toContain(value);
    }
    expect(armed).toBeGreaterThan(0);
  });
});

describe("leaving early", () => {
  /** Sends headers and some bytes, then nothing; notes when the client goes away. */
  const hanging = () => {
    const state = { closed: 0 };
    const behaviour: Behaviour = ({ response, range }) => {
      response.on("close", () => state.closed++);
      response.writeHead(206, { "Content-Range": `bytes ${range!.start}-${range!.end - 1}/${big.length}` });
      response.write(big.subarray(range!.start, range!.start + 1000));
    };
    return { state, behaviour };
  };

  test("an abort while the server is silent ends the transfer", async () => {
    const { state, behaviour } = hanging();
    const { source } = await open(big, later(behaviour));
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of source!.stream(100_000, 200_000, { signal: controller.signal }))
        setTimeout(() => controller.abort(new Error("enough")), 10);
    })();
    await expect(reading).rejects.toMatchObject({ name: "FoveaError", code: "aborted", cause: new Error("enough") });
    await vi.waitFor(() => expect(state.closed).toBe(1), { timeout: 20_000 });
  });

  test("an abort while opening", async () => {
    const server = await serve({ f: big }, () => {});
    const opening = openUrl(new URL("f", server.url), "f", { signal: AbortSignal.timeout(30) });
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
  });

  test("an abort during the pause before another attempt does not wait for it", async () => {
    const server = await serve({ f: big }, ({ response }) => void response.writeHead(503).end());
    const begin = performance.now();
    const opening = openUrl(new URL("f", server.url), "f", {
      signal: AbortSignal.timeout(100),
      retry: { ...QUICK_RETRY, firstDelayMs: 60_000, maxDelayMs: 60_000 },
    });
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    expect(performance.now() - begin).toBeLessThan(50_000);
  });

  test("breaking out of the loop ends the transfer", async () => {
    const { state, behaviour } = hanging();
    const { source } = await open(big, later(behaviour));
    for await (const _ of (source as ByteSource).stream(100_000, 200_000)) break;
    await vi.waitFor(() => expect(state.closed).toBe(1), { timeout: 20_000 });
  });

  test("no listener stays on a signal that outlives the reading", async () => {
    const { source } = await open(big, withRanges);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await source!.read(100_000, 200_000, { signal });
    expect(listeners).toBe(0);
  });
});
