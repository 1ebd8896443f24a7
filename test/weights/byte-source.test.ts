import { describe, expect, test, vi } from "vitest";
import { type ByteSource, blobSource, memorySource } from "../../src/weights/byte-source.ts";
import { openUrl } from "../../src/weights/url-source.ts";
import { serve, withoutRanges } from "./http-server.ts";
import { patternBytes } from "./safetensors-file.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const bytes = patternBytes(5 << 20);

async function drain(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    expect(chunk.byteLength).toBeGreaterThan(0);
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
}

/** Compares without printing megabytes where they differ. */
function expectBytes(actual: Uint8Array, start: number, end: number): void {
  expect(actual.byteLength).toBe(end - start);
  expect(Buffer.compare(actual, bytes.subarray(start, end))).toBe(0);
}

describe.each<[string, () => Promise<ByteSource>]>([
  ["an ArrayBuffer", async () => memorySource("f", bytes.buffer)],
  [
    "a Uint8Array inside a larger buffer",
    async () => memorySource("f", Buffer.concat([new Uint8Array(3), bytes]).subarray(3)),
  ],
  ["a Blob", async () => blobSource("f", new Blob([bytes]))],
  ["a URL", async () => (await openUrl(new URL("f", (await serve({ f: bytes })).url), "f"))!],
  [
    "a URL without ranges",
    async () => (await openUrl(new URL("f", (await serve({ f: bytes }, withoutRanges)).url), "f"))!,
  ],
])("%s", (kind, open) => {
  const inOneChunk = kind.includes("Array");

  test("reads and streams any range", async () => {
    const source = await open();
    expect(source.name).toBe("f");
    expect(source.byteLength).toBe(bytes.length);
    for (const [start, end] of [
      [0, 0],
      [bytes.length, bytes.length],
      [0, 8],
      [65535, 65537],
      [65536, 65544],
      [4_000_001, 4_200_003],
      [bytes.length - 1, bytes.length],
      [0, bytes.length],
    ] as const) {
      expectBytes(await source.read(start, end), start, end);
      expectBytes(await drain(source.stream(start, end)), start, end);
    }
  });

  test("refuses ranges outside the file", async () => {
    const source = await open();
    for (const [start, end] of [
      [0, bytes.length + 1],
      [-1, 4],
      [8, 4],
      [0.5, 4],
      [0, Number.NaN],
    ] as const) {
      await expect(source.read(start, end)).rejects.toThrow(RangeError);
      await expect(drain(source.stream(start, end))).rejects.toThrow(RangeError);
    }
  });

  test("stops at once when aborted, before and while streaming", async () => {
    const source = await open();
    const aborted = { signal: AbortSignal.abort() };
    await expect(source.read(0, 8, aborted)).rejects.toMatchObject({ name: "FoveaError", code: "aborted" });
    await expect(drain(source.stream(0, 8, aborted))).rejects.toMatchObject({ code: "aborted" });
    // Memory arrives in one chunk, after which there is nothing left to abort.
    if (inOneChunk) return;
    const controller = new AbortController();
    let received = 0;
    const reading = (async () => {
      for await (const chunk of source.stream(0, bytes.length, { signal: controller.signal })) {
        received += chunk.byteLength;
        controller.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    expect(received).toBeLessThan(bytes.length);
  });
});

test("a Blob is read 2 MiB at a time", async () => {
  const sizes: number[] = [];
  for await (const chunk of blobSource("f", new Blob([bytes])).stream(0, bytes.length)) sizes.push(chunk.byteLength);
  expect(sizes).toEqual([2 << 20, 2 << 20, 1 << 20]);
});

test("a file that shrank after it was picked is not taken for whole", async () => {
  const blob = new Blob([bytes]);
  blob.slice = () => new Blob([bytes.subarray(0, 3)]);
  await expect(blobSource("model.safetensors", blob).read(0, 8)).rejects.toMatchObject({
    code: "download-failed",
    message: expect.stringContaining("bytes 0 to 8 gave 3 bytes"),
  });
});

test("a file that vanished after it was picked is named", async () => {
  const blob = new Blob([bytes]);
  blob.slice = () =>
    ({ arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")) }) as unknown as Blob;
  await expect(blobSource("model.safetensors", blob).read(0, 8)).rejects.toMatchObject({
    code: "download-failed",
    message: expect.stringContaining("model.safetensors: bytes 0 to 8 cannot be read"),
  });
});
