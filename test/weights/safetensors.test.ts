import { describe, expect, test, vi } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { memorySource } from "../../src/weights/byte-source.ts";
import { dtypeBits, isDtype } from "../../src/weights/dtype.ts";
import { readSafetensorsHeader, type SafetensorsHeader } from "../../src/weights/safetensors.ts";
import { needing, sharedBytes, testShared } from "../support/shared.ts";
import { f32, fileOf, patternBytes, randomUint32, safetensorsFile } from "./safetensors-file.ts";

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const read = (file: Uint8Array) => readSafetensorsHeader(memorySource("model.safetensors", file));

/** One tensor "t" with the given fields, over `data`. */
const oneTensor = (fields: object, data = new Uint8Array(0)) => fileOf(JSON.stringify({ t: fields }), data);

const bytes16 = new Uint8Array(16);
const good = { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] };

/** What any header that is accepted must satisfy, however it came about. */
function expectConsistent({ tensors }: SafetensorsHeader, file: Uint8Array): void {
  let at = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  for (const [name, entry] of tensors) {
    expect(entry.name).toBe(name);
    expect(entry.start).toBe(at);
    const elements = entry.shape.reduce((a, b) => a * b, 1);
    expect(isDtype(entry.dtype)).toBe(true);
    expect((entry.end - entry.start) * 8).toBe(elements * dtypeBits(entry.dtype));
    at = entry.end;
  }
  expect(at).toBe(file.length);
}

describe("headers as they should be", () => {
  test("entries, in the order of their bytes, with offsets from the start of the file", async () => {
    const header = JSON.stringify({
      late: { dtype: "F16", shape: [3], data_offsets: [16, 22] },
      __metadata__: { format: "pt", note: "ä" },
      early: good,
    });
    const file = fileOf(`${header}   `, new Uint8Array(22));
    const { tensors, metadata } = await read(file);
    const dataStart = file.length - 22;
    expect([...metadata]).toEqual([
      ["format", "pt"],
      ["note", "ä"],
    ]);
    expect([...tensors.values()]).toEqual([
      { name: "early", dtype: "F32", shape: [2, 2], file: "model.safetensors", start: dataStart, end: dataStart + 16 },
      { name: "late", dtype: "F16", shape: [3], file: "model.safetensors", start: dataStart + 16, end: dataStart + 22 },
    ]);
  });

  test("metadata that is null is none", async () => {
    const { metadata, tensors } = await read(
      fileOf('{"__metadata__": null, "a": {"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', new Uint8Array(8)),
    );
    expect([metadata.size, [...tensors.keys()]]).toEqual([0, ["a"]]);
  });

  testShared(needing("faults", "metadata that is null"), async () => {
    const { tensors } = await read(await sharedBytes("faults/metadata-null.safetensors"));
    expect([...tensors.keys()]).toEqual(["a"]);
  });

  test("no tensors, scalars, empty tensors anywhere, unknown extra fields", async () => {
    expect((await read(fileOf("{}"))).tensors.size).toBe(0);
    expect((await read(fileOf("{}      "))).tensors.size).toBe(0);
    const header = {
      empty1: { dtype: "F32", shape: [0, 5], data_offsets: [0, 0] },
      scalar: { dtype: "F32", shape: [], data_offsets: [0, 4], extra: true },
      empty2: { dtype: "I64", shape: [3, 0], data_offsets: [4, 4] },
    };
    const { tensors } = await read(fileOf(JSON.stringify(header), new Uint8Array(4)));
    expect([...tensors.values()].map(({ name, end, start }) => [name, end - start])).toEqual([
      ["empty1", 0],
      ["scalar", 4],
      ["empty2", 0],
    ]);
  });

  test.each([
    ["F4", [4], 2],
    ["F6_E2M3", [4], 3],
    ["F8_E4M3FNUZ", [3], 3],
    ["C64", [1], 8],
    ["BOOL", [3], 3],
    ["U64", [1], 8],
  ])("dtype %s is known, though not read", async (dtype, shape, length) => {
    const { tensors } = await read(oneTensor({ dtype, shape, data_offsets: [0, length] }, new Uint8Array(length)));
    expect(tensors.get("t")!.dtype).toBe(dtype);
  });

  test("names that are special in JavaScript are names like any other", async () => {
    const entry = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
    const empty = '{"dtype":"U8","shape":[0],"data_offsets":[1,1]}';
    const file = fileOf(
      `{"__proto__":${entry},"constructor":${empty},"toString":${empty},"":${empty}}`,
      new Uint8Array(1),
    );
    const { tensors } = await read(file);
    expect([...tensors.keys()].sort()).toEqual(["", "__proto__", "constructor", "toString"]);
    expect(tensors.get("__proto__")!.end - tensors.get("__proto__")!.start).toBe(1);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });
});

describe("hostile headers", () => {
  const lengthOnly = (length: bigint, rest = 0) => {
    const file = new Uint8Array(8 + rest);
    new DataView(file.buffer).setBigUint64(0, length, true);
    return file;
  };
  const deep = (depth: number) => `{"t":{"dtype":${"[".repeat(depth)}${"]".repeat(depth)}}}`;

  test.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /0 bytes are too few/],
    ["seven bytes", new Uint8Array(7), /7 bytes are too few/],
    ["a header of 2^63 bytes", lengthOnly(1n << 63n, 4), /the header has 9223372036854775808 bytes/],
    ["a header of 2^64 - 1 bytes", lengthOnly((1n << 64n) - 1n), /18446744073709551615/],
    ["a header above the format's limit", lengthOnly(100_000_001n), /the limit is 100000000/],
    ["a header at the limit in a short file", lengthOnly(100_000_000n, 4), /the whole file 12/],
    ["a header one byte longer than the file", lengthOnly(5n, 4), /the header has 5 bytes, the whole file 12/],
    ["no header", fileOf(""), /does not start with/],
    ["a byte order mark", fileOf("\uFEFF{}"), /does not start with/],
    ["space in front", fileOf(" {}"), /does not start with/],
    ["an array", fileOf("[]"), /does not start with/],
    [
      "a Git LFS pointer",
      new TextEncoder().encode(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1040128\n`,
      ),
      /^model\.safetensors: it is a Git LFS pointer, not the file itself of 1040128 bytes; run "git lfs pull"/,
    ],
    [
      "a web page",
      new TextEncoder().encode("<!doctype html><title>Not found</title>"),
      /it is a web page; check the address/,
    ],
    ["null bytes as padding", fileOf("{}\0\0"), /not valid JSON/],
    ["half an object", fileOf('{"t":'), /not valid JSON/],
    ["two objects", fileOf("{}{}"), /not valid JSON/],
    ["bytes that are no UTF-8", fileOf(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), /not UTF-8/],
    [
      "a doubled tensor",
      fileOf(`{"t":${JSON.stringify(good)},"t":${JSON.stringify(good)}}`, bytes16),
      /"t" occurs twice/,
    ],
    ["a doubled tensor in disguise", fileOf(`{"t":${JSON.stringify(good)},"\\u0074":1}`, bytes16), /"t" occurs twice/],
    [
      "a doubled field",
      fileOf('{"t":{"dtype":"F32","shape":[4],"dtype" :"F16","data_offsets":[0,16]}}', bytes16),
      /"dtype" occurs twice/,
    ],
    ["a doubled key of metadata", fileOf('{"__metadata__":{"a":"1","a":"2"}}'), /"a" occurs twice/],
    ["metadata that is no object", fileOf('{"__metadata__":["pt"]}'), /__metadata__ is not an object/],
    ["metadata that is no text", fileOf('{"__metadata__":{"a":{"b":"c"}}}'), /__metadata__ "a" is not a string/],
    ["a tensor that is null", fileOf('{"t":null}'), /"t" is not described/],
    ["a tensor that is an array", fileOf('{"t":["F32"]}'), /"t" is not described/],
    ["no fields", oneTensor({}), /no dtype/],
    ["an unknown dtype", oneTensor({ ...good, dtype: "F128" }, bytes16), /unknown dtype "F128"/],
    ["a dtype in lower case", oneTensor({ ...good, dtype: "f32" }, bytes16), /unknown dtype "f32"/],
    ["a dtype from Object.prototype", oneTensor({ ...good, dtype: "toString" }, bytes16), /unknown dtype "toString"/],
    ["a dtype that cannot be printed", oneTensor({ ...good, dtype: { toString: 1 } }, bytes16), /no dtype/],
    ["a dtype nested very deep", fileOf(deep(100_000)), /nested more than 100 levels/],
    ["no shape", oneTensor({ ...good, shape: undefined }, bytes16), /its shape is not/],
    ["a shape that is a number", oneTensor({ ...good, shape: 4 }, bytes16), /its shape is not/],
    ["a negative dimension", oneTensor({ ...good, shape: [-2, -2] }, bytes16), /its shape is not/],
    ["a dimension of -0", fileOf('{"t":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), /its shape is not/],
    ["a fractional dimension", oneTensor({ ...good, shape: [0.5, 8] }, bytes16), /its shape is not/],
    ["a dimension as text", oneTensor({ ...good, shape: ["4"] }, bytes16), /its shape is not/],
    ["a dimension beyond 2^53", oneTensor({ ...good, shape: [2 ** 53] }, bytes16), /its shape is not/],
    [
      "an infinite dimension",
      fileOf('{"t":{"dtype":"F32","shape":[1e999],"data_offsets":[0,16]}}', bytes16),
      /its shape is not/,
    ],
    [
      "a shape whose product wraps to 4 in 64 bits",
      oneTensor({ ...good, shape: [2 ** 33, 2 ** 31, 2 ** 2] }, bytes16),
      /an impossible number/,
    ],
    [
      "a shape whose product is infinite",
      oneTensor({ ...good, shape: Array(40).fill(2 ** 50) }, bytes16),
      /an impossible number/,
    ],
    [
      "half bytes",
      oneTensor({ dtype: "F4", shape: [3], data_offsets: [0, 2] }, new Uint8Array(2)),
      /an impossible number/,
    ],
    ["no offsets", oneTensor({ ...good, data_offsets: undefined }, bytes16), /not a pair/],
    ["one offset", oneTensor({ ...good, data_offsets: [0] }, bytes16), /not a pair/],
    ["three offsets", oneTensor({ ...good, data_offsets: [0, 16, 16] }, bytes16), /not a pair/],
    ["a negative offset", oneTensor({ ...good, data_offsets: [-16, 0] }, bytes16), /not a pair/],
    ["offsets backwards", oneTensor({ ...good, data_offsets: [16, 0] }, bytes16), /lies at 16 to 0/],
    ["offsets behind the file", oneTensor({ ...good, data_offsets: [0, 17] }, bytes16), /0 to 17 of 16 bytes/],
    [
      "too many bytes for the shape",
      oneTensor({ ...good, shape: [3] }, bytes16),
      /has 16 bytes, its dtype and shape need 12/,
    ],
    [
      "too few bytes for the shape",
      oneTensor({ ...good, shape: [5] }, bytes16),
      /has 16 bytes, its dtype and shape need 20/,
    ],
    ["bytes behind the last tensor", oneTensor(good, new Uint8Array(17)), /tensors end at byte \d+, the file has/],
    ["bytes and no tensors", fileOf("{}", bytes16), /tensors end at byte 10, the file has 26/],
    [
      "a hole at the front",
      oneTensor({ dtype: "U8", shape: [15], data_offsets: [1, 16] }, bytes16),
      /1 bytes before tensor "t"/,
    ],
    [
      "a hole in the middle",
      fileOf(
        JSON.stringify({
          a: { dtype: "U8", shape: [7], data_offsets: [0, 7] },
          b: { dtype: "U8", shape: [8], data_offsets: [8, 16] },
        }),
        bytes16,
      ),
      /1 bytes before tensor "b"/,
    ],
    [
      "two tensors in one place",
      fileOf(JSON.stringify({ a: good, b: good }), bytes16),
      /"b" overlaps the one before it by 16/,
    ],
    [
      "an empty tensor inside another",
      fileOf(JSON.stringify({ a: good, b: { dtype: "U8", shape: [0], data_offsets: [8, 8] } }), bytes16),
      /"b" overlaps/,
    ],
  ])("%s", async (_, file, message) => {
    const failure = await read(file).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(FoveaError);
    expect((failure as FoveaError).code).toBe("bad-weights");
    expect((failure as FoveaError).message).toMatch(message);
    expect((failure as FoveaError).message).toContain("model.safetensors");
  });

  test("a huge name does not make a huge message", async () => {
    const failure: Error = await read(fileOf(JSON.stringify({ ["x".repeat(1e6)]: null }))).catch((error) => error);
    expect(failure.message.length).toBeLessThan(500);
  });

  test("a file cut at any byte is refused", async () => {
    const file = safetensorsFile([f32("a", 3), f32("b", 2)], 3);
    for (let length = 0; length < file.length; length++)
      await expect(read(file.slice(0, length))).rejects.toMatchObject({ code: "bad-weights" });
  });

  test("every flipped bit, and random bytes, give something consistent or a FoveaError", async () => {
    const file = safetensorsFile([f32("a.weight", 4), { ...f32("b", 2), dtype: "U8", shape: [2, 4] }, f32("c", 0)], 2);
    const next = randomUint32(20240607);
    const headerBytes = file.length - 24;
    const variants: Uint8Array<ArrayBuffer>[] = [];
    for (let bit = 0; bit < headerBytes * 8; bit++) {
      const copy = file.slice();
      copy[bit >> 3]! ^= 1 << (bit & 7);
      variants.push(copy);
    }
    for (let i = 0; i < 3000; i++) {
      const copy = file.slice();
      // Half of them keep the length field, so that the JSON is reached.
      const from = i % 2 ? 8 : 0;
      for (let flips = 1 + (next() % 4); flips > 0; flips--)
        copy[from + (next() % (headerBytes - from))] = i % 3 ? 0x20 + (next() % 0x5f) : next();
      variants.push(copy);
    }
    let accepted = 0;
    for (const variant of variants) {
      try {
        expectConsistent(await read(variant), variant);
        accepted++;
      } catch (error) {
        if (!(error instanceof FoveaError)) throw error;
        expect(error.code).toBe("bad-weights");
      }
    }
    // Flips in names and metadata are harmless; most others are not.
    expect(accepted).toBeGreaterThan(50);
    expect(accepted).toBeLessThan(variants.length / 2);
  });

  test("nothing but length and header is read, and no more of a lying file than 8 bytes", async () => {
    const reads: [number, number][] = [];
    const counting = (file: Uint8Array) => {
      const inner = memorySource("f", file);
      return {
        ...inner,
        read: (start: number, end: number) => {
          reads.push([start, end]);
          return inner.read(start, end);
        },
      };
    };
    const file = safetensorsFile([{ name: "t", dtype: "U8", shape: [1000], bytes: patternBytes(1000) }]);
    await readSafetensorsHeader(counting(file));
    expect(reads).toEqual([
      [0, 8],
      [8, file.length - 1000],
    ]);
    reads.length = 0;
    await expect(readSafetensorsHeader(counting(lengthOnly(90_000_000n, 100)))).rejects.toThrow(FoveaError);
    expect(reads).toEqual([[0, 8]]);
  });
});
