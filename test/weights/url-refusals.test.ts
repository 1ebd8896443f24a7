/** Answers that url-source.ts refuses at once, because their bytes could be wrong. */
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openUrl } from "../../src/weights/url-source.ts";
import { type Behaviour, QUICK_RETRY, serve, withoutRanges, withRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";
import { big, expectBytes, hideHeaders, later, open, PREFIX, withHeaders } from "./url-cases.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(() => vi.unstubAllGlobals());

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
