/**
 * Writes a checkpoint of safetensors files tensor by tensor, without holding it. Each file begins with room for its
 * header, which is written at the end. Files stay below a limit; several get an index.
 */
import { assert } from "../../../shared/assert.ts";
import { elementCount } from "../../../shared/shape.ts";
import { type Dtype, dtypeBits } from "../../dtype.ts";
import { INDEX_FILE, SINGLE_FILE } from "../../safetensors.ts";

/** A file that is being written. */
export interface FileSink {
  write(position: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A place for files. */
export interface FolderSink {
  create(name: string): Promise<FileSink>;
  /** Gives a closed file another name. */
  rename(from: string, to: string): Promise<void>;
}

export interface WrittenTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

interface Entry extends WrittenTensor {
  start: number;
  end: number;
}

interface Shard {
  name: string;
  sink: FileSink;
  headerBytes: number;
  entries: Entry[];
  /** Bytes of tensors. */
  length: number;
  /** Tensors that would end off the grid of 8 bytes; they are written last, those of wide elements first. */
  tail: { tensor: WrittenTensor; bytes: Uint8Array }[];
}

const LENGTH_BYTES = 8;
/** Readers map elements where they lie, so each tensor starts at a multiple of the widest element. */
const ALIGNMENT = 8;
/** Room in a header for a tensor, beside its name and shape: keys, quotes and two offsets. */
const ENTRY_BYTES = 96;

export interface CheckpointOptions {
  /** `__metadata__` of each file. */
  metadata: Readonly<Record<string, string>>;
  /** Longest file, in bytes; one tensor may exceed it. Infinity writes one file, under its final name. */
  shardBytes: number;
}

export class CheckpointWriter {
  readonly #folder: FolderSink;
  readonly #options: CheckpointOptions;
  /** Names and shapes that are yet to come, for the room of headers. */
  readonly #headerRoom: number;
  readonly #shards: Shard[] = [];

  /** @param tensors all that will be written, in any order, so that every header finds room */
  constructor(folder: FolderSink, tensors: readonly WrittenTensor[], options: CheckpointOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#headerRoom = tensors.reduce(
      (sum, { name, shape }) => sum + utf8Bytes(JSON.stringify(name)) + 20 * shape.length + ENTRY_BYTES,
      utf8Bytes(JSON.stringify(options.metadata)) + ENTRY_BYTES,
    );
  }

  /** Begins tensors of `byteLength` bytes that belong together: a new file, where they would not fit the last one. */
  async begin(byteLength: number): Promise<void> {
    const last = this.#shards.at(-1);
    if (last && last.length + tailBytes(last) + byteLength <= this.#options.shardBytes) return;
    if (last) await this.#finish(last);
    const isSingle = this.#options.shardBytes === Number.POSITIVE_INFINITY;
    const name = isSingle ? SINGLE_FILE : `model-${String(this.#shards.length + 1).padStart(5, "0")}.safetensors`;
    const headerBytes = Math.ceil(this.#headerRoom / ALIGNMENT) * ALIGNMENT;
    const sink = await this.#folder.create(name);
    this.#shards.push({ name, sink, headerBytes, entries: [], length: 0, tail: [] });
  }

  /** Writes a tensor from its bytes in order. They are copied or written before the next ones are asked for. */
  async add(tensor: WrittenTensor, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const shard = this.#shards.at(-1);
    assert(shard, "add before begin");
    const byteLength = bytesOf(tensor);
    if (byteLength % ALIGNMENT !== 0) {
      const bytes = new Uint8Array(byteLength);
      let at = 0;
      for await (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.byteLength;
      }
      assert(at === byteLength, `${tensor.name} has ${at} of ${byteLength} bytes`);
      shard.tail.push({ tensor, bytes });
      return;
    }
    await append(shard, tensor, pieces);
  }

  /** Writes the headers and the index. Returns the names of all files that it wrote. */
  async end(): Promise<string[]> {
    const last = this.#shards.at(-1);
    if (last) await this.#finish(last);
    if (this.#shards.length === 1) {
      const [{ name }] = this.#shards as [Shard];
      if (name !== SINGLE_FILE) await this.#folder.rename(name, SINGLE_FILE);
      return [SINGLE_FILE];
    }
    const weightMap: Record<string, string> = {};
    const names: string[] = [];
    const count = String(this.#shards.length).padStart(5, "0");
    for (const [i, { name, entries }] of this.#shards.entries()) {
      const final = `model-${String(i + 1).padStart(5, "0")}-of-${count}.safetensors`;
      await this.#folder.rename(name, final);
      for (const entry of entries) weightMap[entry.name] = final;
      names.push(final);
    }
    const total = this.#shards.reduce((sum, { length }) => sum + length, 0);
    const index = JSON.stringify({ metadata: { total_size: total }, weight_map: weightMap }, undefined, 2);
    const file = await this.#folder.create(INDEX_FILE);
    await file.write(0, new TextEncoder().encode(`${index}\n`));
    await file.close();
    return [...names, INDEX_FILE];
  }

  async #finish(shard: Shard): Promise<void> {
    shard.tail.sort((a, b) => dtypeBits(b.tensor.dtype) - dtypeBits(a.tensor.dtype));
    for (const { tensor, bytes } of shard.tail) await append(shard, tensor, [bytes]);
    shard.tail = [];
    const header: Record<string, unknown> = { __metadata__: this.#options.metadata };
    for (const { name, dtype, shape, start, end } of shard.entries)
      header[name] = { dtype, shape, data_offsets: [start, end] };
    const text = new TextEncoder().encode(JSON.stringify(header));
    assert(text.byteLength <= shard.headerBytes, `header of ${text.byteLength} bytes in ${shard.headerBytes}`);
    const start = new Uint8Array(LENGTH_BYTES + shard.headerBytes).fill(0x20);
    new DataView(start.buffer).setBigUint64(0, BigInt(shard.headerBytes), true);
    start.set(text, LENGTH_BYTES);
    await shard.sink.write(0, start);
    await shard.sink.close();
  }
}

async function append(
  shard: Shard,
  tensor: WrittenTensor,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const start = shard.length;
  for await (const piece of pieces) {
    await shard.sink.write(LENGTH_BYTES + shard.headerBytes + shard.length, piece);
    shard.length += piece.byteLength;
  }
  assert(shard.length - start === bytesOf(tensor), `${tensor.name} has ${shard.length - start} bytes`);
  shard.entries.push({ ...tensor, start, end: shard.length });
}

export function bytesOf({ dtype, shape }: Pick<WrittenTensor, "dtype" | "shape">): number {
  return (elementCount(shape) * dtypeBits(dtype)) / 8;
}

function tailBytes({ tail }: Shard): number {
  return tail.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
