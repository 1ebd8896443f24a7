import { describe, expect, test, vi } from "vitest";
import type { ByteSource } from "../../src/weights/byte-source.ts";
import { type Checkpoint, openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import type { StoredTensor } from "../../src/weights/formats/stored-tensor.ts";
import { type ReadTensorsOptions, readTensors } from "../../src/weights/read-tensors.ts";
import { needing, sharedBytes, sharedJson, testShared } from "../support/shared.ts";
import { QUICK_RETRY, serve, withoutRanges } from "./http-server.ts";
import { f32, patternBytes, randomUint32, safetensorsFile, type TensorSpec } from "./safetensors-file.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

/** A BF16 tensor of patterned bytes; an odd number of elements leaves its neighbours unaligned. */
const tensor = (name: string, elements: number, seed: number): TensorSpec => ({
  name,
  dtype: "BF16",
  shape: [elements],
  bytes: patternBytes(elements * 2, seed),
});

const fromFiles = (files: Record<string, Uint8Array>) => openCheckpoint(openFolder(files as never));

/** Reads tensors, checks what is promised of every piece, and puts the pieces together. */
async function gather(checkpoint: Checkpoint, wanted: Iterable<StoredTensor>, options: ReadTensorsOptions = {}) {
  const pieceBytes = options.pieceBytes ?? 4 << 20;
  const tensors = new Map<string, Uint8Array>();
  let current: { tensor: StoredTensor; parts: Uint8Array[]; length: number } | undefined;
  for await (const { tensor, byteOffset, bytes, last } of readTensors(checkpoint, wanted, options)) {
    current ??= { tensor, parts: [], length: 0 };
    expect(tensor).toBe(current.tensor);
    expect(byteOffset).toBe(current.length);
    expect(byteOffset % 4).toBe(0);
    expect(bytes.byteOffset % 4).toBe(0);
    expect(bytes.byteLength).toBeLessThanOrEqual(pieceBytes);
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(pieceBytes);
    if (!last) expect(bytes.byteLength % 4).toBe(0);
    current.parts.push(bytes.slice());
    current.length += bytes.byteLength;
    if (!last) continue;
    expect(tensors.has(tensor.name)).toBe(false);
    tensors.set(tensor.name, Buffer.concat(current.parts));
    current = undefined;
  }
  expect(current).toBeUndefined();
  return tensors;
}

function expectTensors(actual: ReadonlyMap<string, Uint8Array>, expected: readonly TensorSpec[]): void {
  expect([...actual.keys()].sort()).toEqual(expected.map(({ name }) => name).sort());
  for (const { name, bytes } of expected) expect(Buffer.compare(actual.get(name)!, bytes), name).toBe(0);
}

/** The same source in chunks of random length, which notes what is asked of it and how much it has given. */
function inChunks(source: ByteSource, seed: number, largest: number) {
  const next = randomUint32(seed);
  const notes = { streams: [] as [number, number][], delivered: 0, largestChunk: 0 };
  const chunked: ByteSource = {
    ...source,
    read: () => Promise.reject(new Error("tensors are streamed")),
    async *stream(start, end, options) {
      notes.streams.push([start, end]);
      for (let at = start; at < end; ) {
        const to = Math.min(end, at + 1 + (next() % largest));
        notes.delivered += to - at;
        notes.largestChunk = Math.max(notes.largestChunk, to - at);
        yield source.read(at, to, options);
        at = to;
      }
    },
  };
  return { chunked, notes };
}

function withSource(checkpoint: Checkpoint, wrap: (source: ByteSource) => ByteSource): Checkpoint {
  return { ...checkpoint, files: new Map([...checkpoint.files].map(([name, source]) => [name, wrap(source)])) };
}

describe("pieces", () => {
  test.each([4, 8, 64, 1000, 4096])(
    "of %i bytes at most, whatever the chunks and the alignment",
    async (pieceBytes) => {
      for (let seed = 1; seed <= 12; seed++) {
        const next = randomUint32(seed);
        const specs = Array.from({ length: 12 }, (_, i) => tensor(`t${i}`, next() % 300, seed * 100 + i));
        const checkpoint = await fromFiles({ "model.safetensors": safetensorsFile(specs, seed) });
        const { chunked } = inChunks(checkpoint.files.get("model.safetensors")!, seed, 1 + (next() % 400));
        const wanted = specs.filter(() => next() % 3 > 0);
        const entries = wanted.map(({ name }) => checkpoint.tensors.get(name)!);
        expectTensors(
          await gather(
            withSource(checkpoint, () => chunked),
            entries,
            { pieceBytes },
          ),
          wanted,
        );
      }
    },
  );

  test("the whole of a tensor that fits comes in one piece", async () => {
    const specs = [tensor("a", 5, 1), tensor("b", 100, 2)];
    const checkpoint = await fromFiles({ "model.safetensors": safetensorsFile(specs) });
    const { chunked } = inChunks(checkpoint.files.get("model.safetensors")!, 3, 3);
    const lengths: number[] = [];
    for await (const { bytes } of readTensors(
      withSource(checkpoint, () => chunked),
      checkpoint.tensors.values(),
    ))
      lengths.push(bytes.length);
    expect(lengths).toEqual([10, 200]);
  });

  test("scalars and empty tensors", async () => {
    const scalar = { name: "s", dtype: "F16", shape: [], bytes: patternBytes(2) };
    const checkpoint = await fromFiles({ "model.safetensors": safetensorsFile([f32("e", 0), scalar]) });
    const { chunked, notes } = inChunks(checkpoint.files.get("model.safetensors")!, 1, 9);
    const watched = withSource(checkpoint, () => chunked);
    expectTensors(await gather(watched, [checkpoint.tensors.get("e")!]), [f32("e", 0)]);
    expect(notes.streams).toEqual([]);
    expectTensors(await gather(watched, checkpoint.tensors.values()), [f32("e", 0), scalar]);
  });

  test("no more is held than one piece and one chunk", async () => {
    const specs = Array.from({ length: 20 }, (_, i) => tensor(`t${i}`, 10_000 + i, i + 1));
    const checkpoint = await fromFiles({ "model.safetensors": safetensorsFile(specs, 1) });
    const { chunked, notes } = inChunks(checkpoint.files.get("model.safetensors")!, 5, 3000);
    const buffers = new Set<ArrayBuffer>();
    const pieceBytes = 4096;
    let consumed = 0;
    let mostHeld = 0;
    for await (const { bytes } of readTensors(
      withSource(checkpoint, () => chunked),
      checkpoint.tensors.values(),
      {
        pieceBytes,
      },
    )) {
      mostHeld = Math.max(mostHeld, notes.delivered - consumed);
      consumed += bytes.length;
      buffers.add(bytes.buffer);
    }
    expect(consumed).toBe(specs.reduce((sum, { bytes }) => sum + bytes.length, 0));
    expect(mostHeld).toBeLessThanOrEqual(pieceBytes + notes.largestChunk);
    expect([...buffers].map((buffer) => buffer.byteLength)).toEqual([pieceBytes]);
  });
});

describe("requests", () => {
  const MiB = 1 << 20;
  const specs = [
    tensor("a", 50_000, 1),
    tensor("small gap", 1000, 2),
    tensor("b", 70_000, 3),
    tensor("large gap", MiB, 4),
    tensor("c", 3, 5),
  ];
  const wanted = specs.filter(({ name }) => !name.includes("gap"));
  const pick = (checkpoint: Checkpoint) => wanted.map(({ name }) => checkpoint.tensors.get(name)!);

  test("one to open, one for each run of tensors", async () => {
    const server = await serve({ "model.safetensors": safetensorsFile(specs) });
    const checkpoint = await openCheckpoint(openFolder(server.url));
    expect(server.requests).toHaveLength(1);
    expectTensors(await gather(checkpoint, pick(checkpoint)), wanted);
    // The start of "a" has come with the header.
    const ends = ["b", "c"].map((name) => checkpoint.tensors.get(name)!.planes[0]!.end - 1);
    expect(server.requests.slice(1)).toEqual([
      `model.safetensors 65536-${ends[0]}`,
      `model.safetensors ${ends[1]! - 5}-${ends[1]}`,
    ]);
  });

  test("one to open and one for everything, where ranges are not supported", async () => {
    const server = await serve({ "model.safetensors": safetensorsFile(specs) }, withoutRanges);
    const checkpoint = await openCheckpoint(openFolder(server.url));
    expectTensors(await gather(checkpoint, pick(checkpoint)), wanted);
    expect(server.requests).toHaveLength(2);
  });

  test("progress counts what is read, gaps too, up to the total", async () => {
    const checkpoint = await fromFiles({ "model.safetensors": safetensorsFile(specs) });
    const seen: number[] = [];
    let total = 0;
    await gather(checkpoint, pick(checkpoint), {
      onBytes: ({ file, loadedBytes, totalBytes }) => {
        expect(file).toBe("model.safetensors");
        seen.push(loadedBytes);
        total = totalBytes;
      },
    });
    expect(total).toBe(2 * (50_000 + 1000 + 70_000 + 3));
    expect(seen.at(-1)).toBe(total);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

describe("refusals and failures", () => {
  const specs = [tensor("first", 60_000, 1), tensor("second", 60_000, 2)];
  const file = safetensorsFile(specs);

  test.each([0, 2, 6, -4, 4.5, Number.NaN])("pieces of %d bytes", async (pieceBytes) => {
    const checkpoint = await fromFiles({ "model.safetensors": file });
    await expect(gather(checkpoint, [], { pieceBytes })).rejects.toThrow(RangeError);
  });

  test("an entry of another checkpoint", async () => {
    const checkpoint = await fromFiles({ "model.safetensors": file });
    const entry = checkpoint.tensors.get("first")!;
    await expect(gather(checkpoint, [{ ...entry }])).rejects.toThrow(RangeError);
    await expect(gather(checkpoint, [{ ...entry, name: "third" }])).rejects.toThrow(/"third" is not an entry/);
  });

  test("a dtype that is not read, but only where it is wanted", async () => {
    const ids = { name: "ids", dtype: "I64", shape: [2], bytes: patternBytes(16) };
    const checkpoint = await fromFiles({ "model.safetensors": safetensorsFile([ids, f32("w", 2)]) });
    expectTensors(await gather(checkpoint, [checkpoint.tensors.get("w")!]), [f32("w", 2)]);
    await expect(gather(checkpoint, checkpoint.tensors.values())).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringMatching(/tensor "ids" in model\.safetensors is I64; supported: F32, F16, BF16/),
    });
  });

  test("a source that ends early, named with the tensor it ended in", async () => {
    const checkpoint = await fromFiles({ "model.safetensors": file });
    for (const [length, name] of [
      [10, "first"],
      [130_000, "second"],
    ] as const) {
      const short = withSource(checkpoint, (source) => ({
        ...source,
        async *stream(start) {
          yield await source.read(start, start + length);
        },
      }));
      await expect(gather(short, checkpoint.tensors.values())).rejects.toMatchObject({
        code: "bad-weights",
        message: expect.stringMatching(`in tensor "${name}"`),
      });
    }
  });

  test("a download that breaks for good, named with the tensor it broke in", async () => {
    let healthy = true;
    const server = await serve({ "model.safetensors": file }, (served) => {
      if (healthy) return withoutRanges(served);
      served.response.writeHead(200).end(file.subarray(0, 180_000));
    });
    const checkpoint = await openCheckpoint(openFolder(server.url, { retry: QUICK_RETRY }));
    healthy = false;
    await expect(gather(checkpoint, checkpoint.tensors.values())).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/gave up after 3 attempts.*while reading tensor "second"/),
    });
  });

  test("an abort between pieces, and one while waiting", async () => {
    const checkpoint = await fromFiles({ "model.safetensors": file });
    const { chunked } = inChunks(checkpoint.files.get("model.safetensors")!, 1, 1000);
    const controller = new AbortController();
    let pieces = 0;
    const reading = gather(
      withSource(checkpoint, () => chunked),
      checkpoint.tensors.values(),
      {
        signal: controller.signal,
        pieceBytes: 4096,
        onBytes: () => ++pieces === 20 && controller.abort(),
      },
    );
    await expect(reading).rejects.toMatchObject({ name: "FoveaError", code: "aborted" });
    expect(pieces).toBe(20);
    const aborted = { signal: AbortSignal.abort() };
    await expect(gather(checkpoint, checkpoint.tensors.values(), aborted)).rejects.toMatchObject({ code: "aborted" });
  });

  test("leaving the loop early closes the stream", async () => {
    const checkpoint = await fromFiles({ "model.safetensors": file });
    let closed = false;
    const watched = withSource(checkpoint, (source) => ({
      ...source,
      async *stream(start, end) {
        try {
          for (let at = start; at < end; at += 1000) yield await source.read(at, Math.min(end, at + 1000));
        } finally {
          closed = true;
        }
      },
    }));
    for await (const _ of readTensors(watched, checkpoint.tensors.values(), { pieceBytes: 4 })) break;
    expect(closed).toBe(true);
  });
});

/** A reading of a file that shares nothing with the one under test: no checks, everything in memory. */
function plainParse(file: Uint8Array): TensorSpec[] {
  const length = Number(Buffer.from(file.buffer).readBigUInt64LE(0));
  const header = JSON.parse(Buffer.from(file.buffer, 8, length).toString());
  delete header.__metadata__;
  return Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(header).map(
    ([name, { dtype, shape, data_offsets }]) => ({
      name,
      dtype,
      shape,
      bytes: file.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]),
    }),
  );
}

describe("checkpoints as others write them", () => {
  const shards = [1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`);
  test.each<[string, string[], number]>([
    ["golden/clip-llama-f32", ["model.safetensors"], 171],
    ["golden/two-images-f16", ["model.safetensors"], 162],
    ["golden/siglip-qwen2-bf16-sharded", [...shards, "model.safetensors.index.json"], 155],
  ])("%s, from memory and over HTTP", expectRead);
  testShared.each<[string, string[], number]>([
    ["real/stories260K", ["model.safetensors"], 47],
    ["real/vit-tiny", ["model.safetensors"], 200],
  ])(needing("real", "%s, from memory and over HTTP"), expectRead);

  async function expectRead(path: string, names: string[], tensorCount: number): Promise<void> {
    const files: Record<string, Uint8Array<ArrayBuffer>> = {};
    for (const name of names) files[name] = await sharedBytes(`${path}/${name}`);
    const expected = names.filter((name) => name.endsWith(".safetensors")).flatMap((name) => plainParse(files[name]!));
    expect(expected).toHaveLength(tensorCount);

    const server = await serve(files);
    for (const folder of [openFolder(files), openFolder(server.url)]) {
      const checkpoint = await openCheckpoint(folder);
      for (const { name, dtype, shape } of expected)
        expect(checkpoint.tensors.get(name)).toMatchObject({ encoding: { id: dtype, dtype }, shape });
      expectTensors(await gather(checkpoint, checkpoint.tensors.values(), { pieceBytes: 100_000 }), expected);
    }
    // Over HTTP: the file or its absence, the index, and for each file a request to open it and one for its tensors.
    expect(server.requests).toHaveLength(names.length === 1 ? 2 : 2 + 3 * 2);
  }

  test("what the golden files expect, integers included, is listed", async () => {
    const bytes = await sharedBytes("golden/clip-llama-f32/expected.safetensors");
    const { tensors } = await openCheckpoint(openFolder({ "model.safetensors": bytes }));
    expect(new Set([...tensors.values()].map(({ encoding }) => encoding.id))).toEqual(new Set(["U8", "I32", "F32"]));
    expect(await sharedJson("golden/clip-llama-f32/config.json")).toEqual(
      await openFolder({ "x/config.json": await sharedBytes("golden/clip-llama-f32/config.json") }).json("config.json"),
    );
  });
});
