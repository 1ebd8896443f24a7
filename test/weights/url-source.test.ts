/** Files at addresses: servers with and without ranges, and missing files. */
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Behaviour, serve, withoutRanges, withRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";
import { big, expectBytes, hideHeaders, later, open, PREFIX, small, withHeaders } from "./url-cases.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(() => vi.unstubAllGlobals());

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
