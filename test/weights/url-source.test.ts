import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ByteSource } from "../../src/weights/byte-source.ts";
import type { RetryPolicy } from "../../src/weights/retry.ts";
import { openUrl } from "../../src/weights/url-source.ts";
import { type Behaviour, endingAfter, QUICK_RETRY, serve, withoutRanges, withRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const PREFIX = 64 << 10;

const big = patternBytes(400_000);
const small = patternBytes(1000);

afterEach(() => vi.unstubAllGlobals());

async function open(bytes: Uint8Array, behaviour: Behaviour, retry: RetryPolicy = QUICK_RETRY) {
  const server = await serve({ f: bytes }, behaviour);
  return { ...server, source: await openUrl(new URL("f", server.url), "f", { retry }) };
}

function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.byteLength).toBe(expected.byteLength);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** The good answer, but with other headers. */
const withHeaders =
  (headers: Record<string, string>): Behaviour =>
  (served) => {
    const { response } = served;
    const writeHead = response.writeHead.bind(response) as (status: number, headers: object) => typeof response;
    response.writeHead = ((status: number, own: object) => writeHead(status, { ...own, ...headers })) as never;
    withRanges(served);
  };

/** A good answer to the first request, this one to the others. */
const later =
  (behaviour: Behaviour): Behaviour =>
  (served) =>
    (served.index === 0 ? withRanges : behaviour)(served);

describe("servers with ranges", () => {
  test("a small file costs one request, a large one adds one per range", async () => {
    const one = await open(small, withRanges);
    expectBytes(await one.source!.read(0, 1000), small);
    expect(one.requests).toEqual([`f 0-${PREFIX - 1}`]);

    const two = await open(big, withRanges);
    expect(two.source).toMatchObject({ byteLength: big.length, seekable: true });
    expectBytes(await two.source!.read(8, PREFIX), big.subarray(8, PREFIX));
    expectBytes(await two.source!.read(100, 300_000), big.subarray(100, 300_000));
    expectBytes(await two.source!.read(300_000, 300_001), big.subarray(300_000, 300_001));
    expect(two.requests).toEqual([`f 0-${PREFIX - 1}`, `f ${PREFIX}-299999`, "f 300000-300000"]);
  });

  test.each([PREFIX - 1, PREFIX, PREFIX + 1])(
    "a file of %i bytes, about as long as the first request",
    async (length) => {
      for (const behaviour of [withRanges, withoutRanges]) {
        const bytes = patternBytes(length);
        const { source } = await open(bytes, behaviour);
        expectBytes(await source!.read(0, source!.byteLength), bytes);
      }
    },
  );

  test("an empty file, which answers 416", async () => {
    const { source, requests } = await open(new Uint8Array(0), withRanges);
    expect(source!.byteLength).toBe(0);
    expect(requests).toEqual([`f 0-${PREFIX - 1}`, "f"]);
  });

  test("redirects are followed, each time from the first address", async () => {
    const target = await serve({ f: big });
    const redirect: Behaviour = ({ response }) =>
      void response.writeHead(302, { Location: new URL("f", target.url).href }).end();
    const { source, requests } = await open(big, redirect);
    expectBytes(await source!.read(100_000, 200_000), big.subarray(100_000, 200_000));
    expect(requests).toHaveLength(2);
    expect(target.requests).toHaveLength(2);
  });

  test("a length that other origins may not see is learnt from an open range", async () => {
    hideHeaders("Content-Range", "ETag");
    const large = await open(big, withRanges);
    expect(large.source).toMatchObject({ byteLength: big.length, seekable: true });
    expect(large.requests).toEqual([`f 0-${PREFIX - 1}`, "f 0-"]);
    expectBytes(await large.source!.read(70_000, 80_000), big.subarray(70_000, 80_000));
    const little = await open(small, withRanges);
    expect(little.source!.byteLength).toBe(small.length);
    expect(little.requests).toHaveLength(1);
  });

  test("where nothing tells a length, the server's owner is told what to send", async () => {
    hideHeaders("Content-Range", "Content-Length");
    await expect(open(big, withRanges)).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("Access-Control-Expose-Headers"),
    });
  });
});

/** Makes answers look as they do to a page of another origin that may not see these headers. */
function hideHeaders(...names: string[]): void {
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    const response = await real(url, init);
    const headers = new Headers(response.headers);
    for (const name of names) headers.delete(name);
    return new Response(response.body, { status: response.status, headers });
  });
}

describe("servers without ranges", () => {
  test("ranges are found by skipping", async () => {
    const { source, requests } = await open(big, withoutRanges);
    expect(source).toMatchObject({ byteLength: big.length, seekable: false });
    expectBytes(await source!.read(200_000, 200_100), big.subarray(200_000, 200_100));
    expectBytes(await source!.read(399_999, 400_000), big.subarray(399_999));
    expect(requests).toHaveLength(3);
  });

  test("the transfer ends when the range is there, not when the file is", async () => {
    let closedEarly = false;
    const endless: Behaviour = ({ response }) => {
      response.on("close", () => {
        closedEarly = !response.writableEnded;
      });
      response.writeHead(200, { "Content-Length": big.length }).write(big.subarray(0, 200_000));
    };
    const { source } = await open(big, endless);
    expectBytes(await source!.read(100_000, 150_000), big.subarray(100_000, 150_000));
    await vi.waitFor(() => expect(closedEarly).toBe(true), { timeout: 20_000 });
  });

  test.each<[string, Record<string, string>, (bytes: Uint8Array) => Uint8Array]>([
    ["no Content-Length", {}, (bytes) => bytes],
    ["a compressed body", { "Content-Encoding": "gzip" }, (bytes) => gzipSync(bytes)],
  ])("%s", async (_, headers, encode) => {
    for (const bytes of [small, big]) {
      const { source, requests } = await open(bytes, ({ response }) => {
        response.writeHead(200, headers);
        // Two writes, so that Node does not add a length by itself.
        const body = encode(bytes);
        response.write(body.subarray(0, 100));
        response.end(body.subarray(100));
      });
      expect(source!.byteLength).toBe(bytes.length);
      expectBytes(await source!.read(10, bytes.length), bytes.subarray(10));
      expect(requests).toHaveLength(1);
    }
  });

  test("a compressed body whose Content-Length counts compressed bytes", async () => {
    const text = new Uint8Array(300_000).fill(65);
    const { source } = await open(text, ({ response }) => {
      const body = gzipSync(text);
      response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": body.length }).end(body);
    });
    expectBytes(await source!.read(0, source!.byteLength), text);
  });

  test("compressed parts are given up for the whole file", async () => {
    const { source, requests } = await open(big, ({ range, response }) => {
      const body = gzipSync(range ? big.subarray(range.start, range.end) : big);
      const length = { "Content-Encoding": "gzip", "Content-Length": body.length };
      if (range) response.writeHead(206, { ...length, "Content-Range": `bytes 0-${PREFIX - 1}/${big.length}` });
      else response.writeHead(200, length);
      response.end(body);
    });
    expectBytes(await source!.read(0, source!.byteLength), big);
    expect(requests).toEqual([`f 0-${PREFIX - 1}`, "f"]);
  });

  test("a body without length and without end is cut off", async () => {
    let sent = 0;
    const piece = new Uint8Array(1 << 20);
    await expect(
      open(small, ({ response }) => {
        response.writeHead(200);
        const more = () => {
          while (!response.destroyed) {
            sent += piece.length;
            if (!response.write(piece)) return void response.once("drain", more);
          }
        };
        more();
      }),
    ).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("sends no length and more than 134217728 bytes"),
    });
    expect(sent).toBeLessThan(256 << 20);
  });

  test("a server that changes its mind between answers", async () => {
    const parts = await open(big, later(withoutRanges));
    expectBytes(await parts.source!.read(200_000, 300_000), big.subarray(200_000, 300_000));
    const wholes = await open(big, (served) => (served.index === 0 ? withoutRanges : withRanges)(served));
    expectBytes(await wholes.source!.read(200_000, 300_000), big.subarray(200_000, 300_000));
  });
});

describe("missing files", () => {
  test.each<[string, Behaviour]>([
    ["404", ({ response }) => void response.writeHead(404).end()],
    ["410", ({ response }) => void response.writeHead(410).end()],
    [
      "a page in place of the file",
      ({ response }) =>
        void response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end("<!doctype html>"),
    ],
    ["part of a page in place of the file", withHeaders({ "Content-Type": "Text/HTML" })],
  ])("%s", async (_, behaviour) => {
    const { source, requests } = await open(small, behaviour);
    expect(source).toBeUndefined();
    expect(requests).toHaveLength(1);
  });
});

describe("answers that are refused at once", () => {
  test.each<[string, Behaviour, RegExp]>([
    [
      "401",
      ({ response }) => void response.writeHead(401).end(),
      /f: http:.*\/f answered HTTP 401: access is refused.*load them from disk/,
    ],
    ["403", ({ response }) => void response.writeHead(403).end(), /HTTP 403: access is refused/],
    ["400", ({ response }) => void response.writeHead(400).end(), /HTTP 400; check the address/],
    ["204", ({ response }) => void response.writeHead(204).end(), /HTTP 204/],
    [
      "a range that starts elsewhere",
      withHeaders({ "Content-Range": `bytes 1-${PREFIX}/400000` }),
      /asked for bytes 0 to 65536, .* sent 1 to 65537/,
    ],
    ["a range that is longer", withHeaders({ "Content-Range": "bytes 0-99999/400000" }), /sent 0 to 100000/],
    ["a range of another unit", withHeaders({ "Content-Range": "items 0-1/2" }), /Content-Range "items 0-1\/2"/],
    ["a range backwards", withHeaders({ "Content-Range": "bytes 5-1/400000" }), /Content-Range/],
    ["a range behind the total", withHeaders({ "Content-Range": "bytes 0-9/5" }), /Content-Range/],
    [
      "a total of 2^52",
      withHeaders({ "Content-Range": `bytes 0-65535/${2 ** 52}` }),
      /Content-Range "4503599627370496"/,
    ],
    [
      "several ranges at once",
      withHeaders({ "Content-Type": "multipart/byteranges; boundary=x" }),
      /answered a request for one range with several/,
    ],
    [
      "a whole of 2^52 bytes",
      ({ response }) => void response.writeHead(200, { "Content-Length": 2 ** 52 }).write("x"),
      /Content-Length "4503599627370496"/,
    ],
    ["a total beyond 2^53", withHeaders({ "Content-Range": "bytes 0-65535/99999999999999999999" }), /Content-Range/],
  ])("%s", async (_, behaviour, message) => {
    const server = await serve({ f: big }, behaviour);
    const opening = openUrl(new URL("f?token=secret", server.url), "f", { retry: QUICK_RETRY });
    await expect(opening).rejects.toMatchObject({ code: "download-failed", message: expect.stringMatching(message) });
    await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining("secret") });
    expect(server.requests).toHaveLength(1);
  });

  test.each<[string, Behaviour, RegExp]>([
    ["404", ({ response }) => void response.writeHead(404).end(), /HTTP 404/],
    [
      "another range",
      (served) => withRanges({ ...served, range: { start: 1, end: 9 } }),
      /asked for bytes 100000 to 100100, .* sent 1 to 9/,
    ],
    [
      "another total",
      (served) => withRanges({ ...served, bytes: patternBytes(500_000) }),
      /changed during the download \(400000 bytes before, 500000 now\)/,
    ],
    [
      "another length of the whole",
      (served) => withoutRanges({ ...served, bytes: patternBytes(500_000) }),
      /400000 bytes before, 500000 now/,
    ],
    [
      "several ranges at once",
      withHeaders({ "Content-Type": "Multipart/ByteRanges; boundary=x" }),
      /answered a request for one range with several/,
    ],
    ["a compressed part", withHeaders({ "Content-Encoding": "gzip" }), /compressed range \(gzip\)/],
    [
      "a longer part than it says",
      ({ response }) => void response.writeHead(206).end(big.subarray(100_000, 200_000)),
      /sent 100000 to \d+/,
    ],
  ])("%s after a good beginning", async (_, behaviour, message) => {
    const { source, requests } = await open(big, later(behaviour));
    await expect(source!.read(100_000, 100_100)).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(message),
    });
    expect(requests).toHaveLength(2);
  });

  test("another version of the file, told by its tag", async () => {
    let tag = '"v1"';
    const { source } = await open(big, (served) => withHeaders({ ETag: tag })(served));
    expectBytes(await source!.read(100_000, 100_100), big.subarray(100_000, 100_100));
    tag = 'W/"weak"';
    expectBytes(await source!.read(100_000, 100_100), big.subarray(100_000, 100_100));
    tag = '"v2"';
    await expect(source!.read(100_000, 100_100)).rejects.toThrow(/changed during the download/);
  });

  test("a body longer than its length, as a hidden compression makes it", async () => {
    hideHeaders("Content-Encoding");
    const text = new Uint8Array(3000).fill(65);
    const opening = open(text, ({ response }) => {
      const body = gzipSync(text);
      response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": body.length }).end(body);
    });
    await expect(opening).rejects.toThrow(/asked for bytes/);
  });
});

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
