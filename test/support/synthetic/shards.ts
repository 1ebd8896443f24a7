/** Tensors laid out in safetensors files as Hugging Face's libraries save them: shards, headers, order. No values. */
import type { ReadableDtype } from "../../../src/weights/dtype.ts";
import { ELEMENT_BYTES } from "./values.ts";

export interface PlacedTensor {
  readonly name: string;
  readonly dtype: ReadableDtype;
  readonly shape: readonly number[];
  /** Bytes in the file, half-open. */
  readonly start: number;
  readonly end: number;
}

export interface Shard {
  readonly name: string;
  readonly byteLength: number;
  /** Length and text of the header: the file's first bytes. */
  readonly header: Uint8Array;
  /** In the order of their bytes. */
  readonly tensors: readonly PlacedTensor[];
}

/** Shards of at most "5GB", transformers' default while these checkpoints were saved. */
const MAX_SHARD_BYTES = 5e9;

/** Places tensors, handed in the order of the model's state, in which shards are filled; within one they go by name. */
export function layOut(shapes: Iterable<readonly [string, readonly number[]]>, dtype: ReadableDtype): Shard[] {
  const groups: (readonly [string, readonly number[]])[][] = [[]];
  let filled = 0;
  for (const [name, shape] of shapes) {
    const byteLength = bytesOf(shape, dtype);
    if (filled > 0 && filled + byteLength > MAX_SHARD_BYTES) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push([name, shape]);
    filled += byteLength;
  }
  const number = (n: number) => String(n).padStart(5, "0");
  return groups.map((group, i) =>
    placeShard(
      groups.length === 1 ? "model.safetensors" : `model-${number(i + 1)}-of-${number(groups.length)}.safetensors`,
      group.sort(([a], [b]) => (a < b ? -1 : 1)),
      dtype,
    ),
  );
}

function placeShard(
  name: string,
  tensors: readonly (readonly [string, readonly number[]])[],
  dtype: ReadableDtype,
): Shard {
  let offset = 0;
  const json: Record<string, unknown> = { __metadata__: { format: "pt" } };
  for (const [tensor, shape] of tensors) {
    const end = offset + bytesOf(shape, dtype);
    json[tensor] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(json);
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  const header = new Uint8Array(8 + padded.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded.length), true);
  header.set(new TextEncoder().encode(padded), 8);
  let start = header.byteLength;
  const placed = tensors.map(([tensor, shape]) => {
    const entry = { name: tensor, dtype, shape, start, end: start + bytesOf(shape, dtype) };
    start = entry.end;
    return entry;
  });
  return { name, byteLength: header.byteLength + offset, header, tensors: placed };
}

/** model.safetensors.index.json; undefined where one file holds everything. */
export function indexOf(shards: readonly Shard[]): object | undefined {
  if (shards.length === 1) return undefined;
  const places = shards.flatMap(({ name, tensors }) => tensors.map((tensor) => [tensor.name, name] as const));
  const total = shards.reduce((sum, { byteLength, header }) => sum + byteLength - header.byteLength, 0);
  return {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(places.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function bytesOf(shape: readonly number[], dtype: ReadableDtype): number {
  return shape.reduce((product, dimension) => product * dimension, ELEMENT_BYTES[dtype]);
}
