/**
 * Streams weights from a checkpoint to the GPU. Each tensor passes through small staging buffers, which convert it to
 * f32 and pack it if its storage type requires it. The tensors come from match.ts, their storage types from
 * precision.ts.
 */
import { FoveaError, throwIfAborted } from "../../errors.ts";
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { readTensor } from "../../gpu/readback.ts";
import { isPacked, isSplit, type Matrix, partsOf, type RowRun, type Tensor } from "../../gpu/tensor.ts";
import { weightPack } from "../../kernels/weight-pack.ts";
import { type StoredType, weightUnpack } from "../../kernels/weight-unpack.ts";
import { alignTo, assert } from "../../shared/assert.ts";
import { elementCount, type Shape } from "../../shared/shape.ts";
import type { ReadOptions } from "../../weights/byte-source.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import { isDecoded } from "../../weights/formats/encoding.ts";
import { fileOf, nameInFile, type StoredTensor } from "../../weights/formats/stored-tensor.ts";
import { readTensors } from "../../weights/read-tensors.ts";
import type { MatchedPart, MatchedTensors } from "./match.ts";
import { type Storage, weightRuns, widerType } from "./precision.ts";
import { type TransposedBytes, transposed } from "./transpose.ts";

/** Bytes of one piece on its way to the GPU. */
const PIECE_BYTES = 4 << 20;
/** Bytes queued before a wait, which bounds the browser's buffers; a small model never waits. */
const BYTES_IN_FLIGHT = 8 * PIECE_BYTES;

/** The tensors of a model by their canonical names. */
export class Weights {
  readonly #arena: Arena;
  readonly #tensors = new Map<string, Matrix>();
  readonly #runs = new Map<string, readonly RowRun[]>();
  readonly #aliases: ReadonlyMap<string, string>;

  /**
   * Allocates every tensor in `arena`, which owns them, in the types that `storage` gives its parts.
   *
   * @throws FoveaError `out-of-memory` if one is too large
   */
  constructor(
    arena: Arena,
    { tensors, aliases, parts }: Pick<MatchedTensors, "tensors" | "aliases"> & Partial<Pick<MatchedTensors, "parts">>,
    storage: Storage = "f32",
  ) {
    this.#arena = arena;
    this.#aliases = aliases;
    const partsOfTensor = new Map<string, MatchedPart[]>(tensors.map(({ name }) => [name, []]));
    for (const part of parts ?? []) partsOfTensor.get(part.tensor.name)?.push(part);
    for (const tensor of tensors) {
      const { name, shape } = tensor;
      const runs = weightRuns(tensor, partsOfTensor.get(name) ?? [], storage);
      this.#runs.set(name, runs);
      this.#tensors.set(name, this.#allocate(name, shape, runs));
    }
  }

  #allocate(name: string, shape: Shape, runs: readonly RowRun[]): Matrix {
    return shape.length === 2
      ? this.#arena.stack(name, shape[1]!, runs)
      : this.#arena.matrix(name, shape, runs[0]!.type);
  }

  /** Replaces a weight by a new, zeroed one of wider types. Throws as the constructor. */
  widen(name: string): void {
    const packed = this.matrix(name);
    const runs = this.#runs.get(name)!.map(({ rows, type }) => ({ rows, type: widerType(type) }));
    this.#runs.set(name, runs);
    this.#tensors.set(name, this.#allocate(name, packed.shape, runs));
    this.#arena.free(packed);
  }

  /** A matrix that products or lookups read, or its alias. It may be in several buffers. */
  matrix(name: string): Matrix {
    const matrix = this.#tensors.get(this.#aliases.get(name) ?? name);
    assert(matrix, `no weight ${name}`);
    return matrix;
  }

  /** A vector or a small table. */
  get(name: string): Tensor {
    const tensor = this.matrix(name);
    assert(!isSplit(tensor), `weight ${name} lies in several buffers`);
    return tensor;
  }

  /** As `get`, or undefined where this model has none (a bias, a class token). */
  find(name: string): Tensor | undefined {
    return this.#tensors.has(name) ? this.get(name) : undefined;
  }

  /** All tensors that hold weights. */
  parts(): Tensor[] {
    return [...this.#tensors.values()].flatMap((matrix) => [...partsOf(matrix)]);
  }

  /** Number of weights. */
  get parameters(): number {
    return [...this.#tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }
}

/**
 * Reads all `parts` into `weights`, through scratch memory of `arena`. Weights that overflow their packed type are read
 * again and kept wider. Throws FoveaError `bad-weights` (damaged or not finite), `download-failed`,
 * `device-lost` or `aborted`; the weights are then unusable.
 *
 * @returns the names of weights that were widened
 */
export async function fillWeights(
  gpu: Gpu,
  arena: Arena,
  weights: Weights,
  parts: readonly MatchedPart[],
  checkpoint: Checkpoint,
  options: ReadOptions = {},
): Promise<string[]> {
  const tooLarge = await readParts(gpu, arena, weights, parts, checkpoint, options);
  const widened = [...new Set(tooLarge.map(({ tensor }) => tensor.name))];
  if (widened.length === 0) return [];
  await gpu.guardMemory("weights that overflow f16", () => {
    for (const name of widened) weights.widen(name);
  });
  const again = parts.filter(({ tensor }) => widened.includes(tensor.name));
  await readParts(gpu, arena, weights, again, checkpoint, options);
  return widened;
}

/** Reads parts; returns those with values too large for their format. */
async function readParts(
  gpu: Gpu,
  arena: Arena,
  weights: Weights,
  parts: readonly MatchedPart[],
  checkpoint: Checkpoint,
  { signal }: ReadOptions,
): Promise<MatchedPart[]> {
  const scratch = arena.scope();
  try {
    const counters = [Math.max(1, parts.length)];
    const target = ({ tensor }: MatchedPart) => partsOf(weights.matrix(tensor.name));
    const packs = parts.some((part) => target(part).some(({ type }) => isPacked(type)));
    const staging: Staging = {
      packed: scratch.tensor("stored weights", [PIECE_BYTES / 4], "u32"),
      // Two f16 values fit in a word.
      plain: scratch.tensor("plain weights", [packs ? PIECE_BYTES / 2 : 1]),
      notFinite: scratch.tensor("not finite", counters, "u32"),
      tooLarge: scratch.tensor("too large", counters, "u32"),
    };
    const uploads = new Map(
      parts.map((part, counter): [StoredTensor, Upload] => {
        return [part.entry, { part, counter, buffers: target(part) }];
      }),
    );
    const isOther = ({ encoding, rowOrder }: StoredTensor) => isDecoded(encoding) || rowOrder !== undefined;
    const decoded = parts.some(({ entry }) => isOther(entry))
      ? new (await import("./fill-decoded.ts")).DecodedFill<Upload>(gpu, (upload, byteOffset, values) => {
          for (let at = 0; at < values.byteLength; at += PIECE_BYTES)
            writePlain(gpu, staging, upload, byteOffset + at, values.subarray(at, at + PIECE_BYTES));
        })
      : undefined;
    for (const upload of uploads.values()) decoded?.expect(upload);
    await gpu.compile((recorder) => {
      for (const { part, buffers } of uploads.values())
        for (const y of buffers)
          if (typeof y.type !== "object")
            recordPiece(recorder, staging, { type: valueType(part.entry), y, yOffset: 0, elements: 0, counter: 0 });
    });
    const layoutOf = ({ tensor }: { tensor: StoredTensor }) => transposedBytes(uploads.get(tensor)!.part);
    const read = readTensors(checkpoint, uploads.keys(), { signal, pieceBytes: PIECE_BYTES });
    const pieces = transposed(read, layoutOf, PIECE_BYTES);
    let inFlight = 0;
    for await (const piece of pieces) {
      const upload = uploads.get(piece.tensor)!;
      if (decoded && isOther(piece.tensor)) decoded.take(upload, piece);
      else writePlain(gpu, staging, upload, piece.byteOffset, piece.bytes);
      inFlight += piece.bytes.byteLength;
      if (inFlight >= BYTES_IN_FLIGHT) {
        await gpu.idle();
        inFlight = 0;
      }
      throwIfAborted(signal, "loading weights");
    }
    checkFinite(parts, await readTensor(gpu, staging.notFinite));
    const counts = (await readTensor(gpu, staging.tooLarge)) as Uint32Array;
    return parts.filter((part, counter) => counts[counter]! > 0 || decoded?.misfits.has(part));
  } finally {
    scratch.dispose();
  }
}

/** A part during its upload. */
interface Upload {
  part: MatchedPart;
  counter: number;
  /** Of the whole weight. */
  buffers: readonly Tensor[];
}

/** Writes values from byte `byteOffset` of a part on. */
function writePlain(gpu: Gpu, staging: Staging, upload: Upload, byteOffset: number, bytes: Uint8Array): void {
  const { part, counter, buffers } = upload;
  const type = valueType(part.entry);
  const elementBytes = type === "F32" ? 4 : 2;
  const add = (part.add ?? 0) + (part.entry.add ?? 0);
  const first = firstElement(part) + byteOffset / elementBytes;
  for (const { y, yOffset, start, end } of cutAtParts(buffers, first, bytes.byteLength / elementBytes)) {
    gpu.upload(staging.packed, wholeWords(bytes.subarray(start * elementBytes, end * elementBytes)));
    const piece = { type, y, yOffset, elements: end - start, counter, add };
    gpu.submit("weights", (pass) => recordPiece(pass, staging, piece));
  }
}

/** Buffers that pieces pass through. */
interface Staging {
  packed: Tensor; // as in the file, u32
  plain: Tensor; // f32
  notFinite: Tensor; // counters, u32
  tooLarge: Tensor; // counters, u32
}

interface Piece {
  type: StoredType;
  /** Values of the piece. */
  elements: number;
  y: Tensor;
  /** Offset in `y`, in elements. */
  yOffset: number;
  counter: number;
  /** Added to every value. */
  add?: number | undefined;
}

function recordPiece(recorder: Recorder, { packed, plain, notFinite, tooLarge }: Staging, piece: Piece): void {
  const { type, elements, y, yOffset, counter, add } = piece;
  const unpack = { packed, type, elements, notFinite, counter, add };
  if (isPacked(y.type)) {
    weightUnpack(recorder, { ...unpack, y: plain, yOffset: 0 });
    weightPack(recorder, { x: plain, elements, y, yOffset, tooLarge, counter });
  } else {
    weightUnpack(recorder, { ...unpack, y, yOffset });
  }
}

/** The type of a tensor's values in pieces: f32 for a decoded one. */
function valueType({ encoding }: StoredTensor): StoredType {
  return isDecoded(encoding) ? "F32" : (encoding.dtype as StoredType);
}

/** The layout of a part in its file, if the file has it transposed. */
function transposedBytes({ entry, transposes }: MatchedPart): TransposedBytes | undefined {
  if (!transposes) return undefined;
  const elementBytes = valueType(entry) === "F32" ? 4 : 2;
  const byteLength = elementCount(entry.shape) * elementBytes;
  return { rows: transposes[0], cols: transposes[1], byteLength, elementBytes, name: entry.name };
}

/** Offset of a part in its tensor, in elements. */
function firstElement({ tensor, to }: MatchedPart): number {
  return to * elementCount(tensor.shape.slice(1));
}

/** The target of elements [start, end) of a piece. */
interface Cut {
  y: Tensor;
  yOffset: number;
  start: number;
  end: number;
}

/** Cuts `elements` of a matrix, from element `first` on, at the ends of its buffers. */
function* cutAtParts(buffers: readonly Tensor[], first: number, elements: number): Generator<Cut> {
  let partStart = 0;
  for (const y of buffers) {
    const partEnd = partStart + elementCount(y.shape);
    const from = Math.max(first, partStart);
    const to = Math.min(first + elements, partEnd);
    if (from < to) yield { y, yOffset: from - partStart, start: from - first, end: to - first };
    partStart = partEnd;
  }
}

/** The bytes, padded to whole words as a queue write requires: a tensor of an odd number of f16 values ends inside one. */
function wholeWords(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes;
  const padded = new Uint8Array(alignTo(bytes.byteLength, 4));
  padded.set(bytes);
  return padded;
}

function checkFinite(parts: readonly MatchedPart[], counts: ArrayLike<number>): void {
  const bad = parts.flatMap(({ entry }, i) =>
    counts[i] ? [`${nameInFile(entry)} in ${fileOf(entry)} has ${counts[i]}`] : [],
  );
  if (bad.length > 0)
    throw new FoveaError(
      "bad-weights",
      `weights that are NaN or infinite: ${bad.slice(0, 3).join("; ")}${bad.length > 3 ? `; and ${bad.length - 3} more tensors` : ""}. The file is damaged or was exported with an overflow`,
    );
}
