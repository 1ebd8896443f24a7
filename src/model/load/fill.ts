/**
 * Weights from a checkpoint to the GPU. Each tensor streams through small staging buffers, where it is converted to f32
 * and packed if its storage type asks for it. match.ts finds the tensors, precision.ts chooses their storage types.
 */
import { FoveaError, throwIfAborted } from "../../errors.ts";
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { readTensor } from "../../gpu/readback.ts";
import { isPacked, isSplit, type Matrix, partsOf, type Tensor } from "../../gpu/tensor.ts";
import { weightPack } from "../../kernels/weight-pack.ts";
import { type StoredType, weightUnpack } from "../../kernels/weight-unpack.ts";
import type { WeightType } from "../../kernels/weights.ts";
import { alignTo, assert } from "../../shared/assert.ts";
import { elementCount } from "../../shared/shape.ts";
import type { ReadOptions } from "../../weights/byte-source.ts";
import type { Checkpoint } from "../../weights/checkpoint.ts";
import { isPackedEncoding } from "../../weights/formats/encoding.ts";
import { fileOf, type StoredTensor } from "../../weights/formats/stored-tensor.ts";
import { readTensors } from "../../weights/read-tensors.ts";
import type { MatchedPart, MatchedTensors } from "./match.ts";
import { weightType } from "./precision.ts";
import { type TransposedBytes, transposed } from "./transpose.ts";

/** Bytes of one piece on its way to the GPU. */
const PIECE_BYTES = 4 << 20;
/** Bytes handed to the queue before waiting for it, which bounds what the browser buffers; a small model never waits. */
const BYTES_IN_FLIGHT = 8 * PIECE_BYTES;

/** The tensors of a model by their canonical names. */
export class Weights {
  readonly #arena: Arena;
  readonly #tensors: Map<string, Matrix>;
  readonly #aliases: ReadonlyMap<string, string>;

  /**
   * Allocates every tensor in `arena`, which owns them, in the storage type that `weightType` makes of `wanted`.
   *
   * @throws FoveaError `out-of-memory` if one is too large
   */
  constructor(
    arena: Arena,
    { tensors, aliases }: Pick<MatchedTensors, "tensors" | "aliases">,
    wanted: WeightType = "f32",
  ) {
    this.#arena = arena;
    this.#aliases = aliases;
    this.#tensors = new Map(
      tensors.map((tensor) => [tensor.name, arena.matrix(tensor.name, tensor.shape, weightType(tensor, wanted))]),
    );
  }

  /** Replaces a weight that its storage type cannot hold by a new, zeroed f32 tensor. Throws as the constructor. */
  widen(name: string): void {
    const packed = this.matrix(name);
    this.#tensors.set(name, this.#arena.matrix(name, packed.shape));
    this.#arena.free(packed);
  }

  /** A matrix that products or lookups read, or the one that stands in for it. It may lie in several buffers. */
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

  /** Number of weights. */
  get parameters(): number {
    return [...this.#tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }
}

/**
 * Reads all `parts` into `weights`, through scratch memory of `arena`. Weights that overflow their packed type are read
 * again and kept as f32. Throws FoveaError `bad-weights` (damaged or not finite), `download-failed`,
 * `device-lost` or `aborted`; the weights are then unusable.
 *
 * @returns the names of weights that were widened to f32
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

/** Reads parts; returns those that are too large for their format. */
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
    const target = ({ tensor }: MatchedPart) => weights.matrix(tensor.name);
    const packs = parts.some((part) => isPacked(target(part).type));
    const staging: Staging = {
      packed: scratch.tensor("stored weights", [PIECE_BYTES / 4], "u32"),
      // Two f16 values fit in a word.
      plain: scratch.tensor("plain weights", [packs ? PIECE_BYTES / 2 : 1]),
      notFinite: scratch.tensor("not finite", counters, "u32"),
      tooLarge: scratch.tensor("too large", counters, "u32"),
    };
    const uploads = new Map(parts.map((part, counter) => [part.entry, { part, counter }]));
    await gpu.compile((recorder) => {
      for (const part of parts) {
        const [type, y] = [storedType(part.entry), partsOf(target(part))[0]!];
        recordPiece(recorder, staging, { type, y, yOffset: 0, elements: 0, counter: 0 });
      }
    });
    const layoutOf = ({ tensor }: { tensor: StoredTensor }) => transposedBytes(uploads.get(tensor)!.part);
    const read = readTensors(checkpoint, uploads.keys(), { signal, pieceBytes: PIECE_BYTES });
    const pieces = transposed(read, layoutOf, PIECE_BYTES);
    let inFlight = 0;
    for await (const { tensor, byteOffset, bytes } of pieces) {
      const { part, counter } = uploads.get(tensor)!;
      const type = storedType(tensor);
      const elementBytes = type === "F32" ? 4 : 2;
      if (bytes.byteLength === 0) continue;
      const first = firstElement(part) + byteOffset / elementBytes;
      for (const { y, yOffset, start, end } of cutAtParts(target(part), first, bytes.byteLength / elementBytes)) {
        gpu.upload(staging.packed, wholeWords(bytes.subarray(start * elementBytes, end * elementBytes)));
        const piece = { type, y, yOffset, elements: end - start, counter, add: part.add };
        gpu.submit("weights", (pass) => recordPiece(pass, staging, piece));
      }
      inFlight += bytes.byteLength;
      if (inFlight >= BYTES_IN_FLIGHT) {
        await gpu.idle();
        inFlight = 0;
      }
      throwIfAborted(signal, "loading weights");
    }
    checkFinite(parts, await readTensor(gpu, staging.notFinite));
    const counts = (await readTensor(gpu, staging.tooLarge)) as Uint32Array;
    return parts.filter((_, counter) => counts[counter]! > 0);
  } finally {
    scratch.dispose();
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
  /** Where it goes in `y`, in elements. */
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

/** The dtype of a plain tensor. */
function storedType({ name, encoding }: StoredTensor): StoredType {
  assert(!isPackedEncoding(encoding), `${name} is packed`);
  return encoding.dtype as StoredType;
}

/** How a part lies in its file, if that has it transposed. */
function transposedBytes({ entry, transposes }: MatchedPart): TransposedBytes | undefined {
  if (!transposes) return undefined;
  const elementBytes = storedType(entry) === "F32" ? 4 : 2;
  const byteLength = elementCount(entry.shape) * elementBytes;
  return { rows: transposes[0], cols: transposes[1], byteLength, elementBytes, name: entry.name };
}

/** Where a part begins in its tensor, in elements. */
function firstElement({ tensor, to }: MatchedPart): number {
  return to * elementCount(tensor.shape.slice(1));
}

/** Where elements [start, end) of a piece go. */
interface Cut {
  y: Tensor;
  yOffset: number;
  start: number;
  end: number;
}

/** Cuts `elements` of a matrix, from element `first` on, where it lies in several buffers. */
function* cutAtParts(matrix: Matrix, first: number, elements: number): Generator<Cut> {
  let partStart = 0;
  for (const y of partsOf(matrix)) {
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
    counts[i] ? [`${entry.name} in ${fileOf(entry)} has ${counts[i]}`] : [],
  );
  if (bad.length > 0)
    throw new FoveaError(
      "bad-weights",
      `weights that are NaN or infinite: ${bad.slice(0, 3).join("; ")}${bad.length > 3 ? `; and ${bad.length - 3} more tensors` : ""}. The file is damaged or was exported with an overflow`,
    );
}
