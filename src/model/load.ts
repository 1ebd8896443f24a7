/**
 * Weights from a checkpoint onto the GPU: each tensor streams through one small staging buffer and is turned into f32
 * there. What the tensors are called is in names.ts, where their bytes come from in the weights room.
 */
import { FoveaError, throwIfAborted } from "../errors.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import { readTensor } from "../gpu/readback.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type StoredType, weightUnpack } from "../kernels/weight-unpack.ts";
import { alignTo, assert } from "../shared/assert.ts";
import { elementCount } from "../shared/shape.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import { type ReadProgress, readTensors } from "../weights/read-tensors.ts";
import type { MatchedPart, WeightSlot } from "./names.ts";

/** Bytes of one piece on its way to the GPU. */
const PIECE_BYTES = 4 << 20;
/** Pieces handed to the queue before waiting for it, which bounds what the browser buffers. */
const PIECES_IN_FLIGHT = 8;

/** The tensors of a model by their canonical names. */
export class Weights {
  readonly #tensors: ReadonlyMap<string, Tensor>;

  /** Allocates every slot in `arena`, which owns them. Throws FoveaError `out-of-memory` if one is too large. */
  constructor(arena: Arena, slots: readonly WeightSlot[]) {
    this.#tensors = new Map(slots.map(({ name, shape }) => [name, arena.tensor(name, shape)]));
  }

  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    assert(tensor, `no weight ${name}`);
    return tensor;
  }

  /** The tensor, or undefined where this model has none (a bias, a class token, an untied head). */
  find(name: string): Tensor | undefined {
    return this.#tensors.get(name);
  }

  /** Number of weights. */
  get parameters(): number {
    return [...this.#tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }
}

export interface FillWeightsOptions {
  signal?: AbortSignal | undefined;
  /** Called for each chunk that arrives. */
  onBytes?: ((progress: ReadProgress) => void) | undefined;
}

/**
 * Reads all `parts` into `weights`, through scratch memory of `arena`. Throws FoveaError `bad-weights` (damaged or not
 * finite), `download-failed`, `device-lost` or `aborted`; the weights are then of no use.
 */
export async function fillWeights(
  gpu: Gpu,
  arena: Arena,
  weights: Weights,
  parts: readonly MatchedPart[],
  checkpoint: Checkpoint,
  { signal, onBytes }: FillWeightsOptions = {},
): Promise<void> {
  const scratch = arena.scope();
  try {
    const packed = scratch.tensor("packed weights", [PIECE_BYTES / 4], "u32");
    const notFinite = scratch.tensor("not finite", [Math.max(1, parts.length)], "u32");
    const uploads = new Map(parts.map((part, counter) => [part.entry, { part, counter }]));
    await gpu.compile((recorder) => {
      for (const type of new Set(parts.map(({ entry }) => entry.dtype as StoredType)))
        weightUnpack(recorder, { packed, type, elements: 1, y: packed, yOffset: 0, notFinite, counter: 0 });
    });
    const pieces = readTensors(checkpoint, uploads.keys(), { signal, onBytes, pieceBytes: PIECE_BYTES });
    let inFlight = 0;
    for await (const { entry, byteOffset, bytes } of pieces) {
      const { part, counter } = uploads.get(entry)!;
      const type = entry.dtype as StoredType;
      const elementBytes = type === "F32" ? 4 : 2;
      const elements = bytes.byteLength / elementBytes;
      if (elements === 0) continue;
      const y = weights.get(part.slot.name);
      const yOffset = firstElement(part) + byteOffset / elementBytes;
      gpu.upload(packed, wholeWords(bytes));
      gpu.submit("weights", (pass) => weightUnpack(pass, { packed, type, elements, y, yOffset, notFinite, counter }));
      if (++inFlight % PIECES_IN_FLIGHT === 0) await gpu.idle();
      throwIfAborted(signal, "loading weights");
    }
    checkFinite(parts, await readTensor(gpu, notFinite));
  } finally {
    scratch.dispose();
  }
}

/** Where a part begins in its slot, in elements. */
function firstElement({ slot, rowOffset }: MatchedPart): number {
  return rowOffset * elementCount(slot.shape.slice(1));
}

/** The bytes, padded to whole words as a queue write must be: a tensor of an odd number of halves ends inside one. */
function wholeWords(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes;
  const padded = new Uint8Array(alignTo(bytes.byteLength, 4));
  padded.set(bytes);
  return padded;
}

function checkFinite(parts: readonly MatchedPart[], counts: ArrayLike<number>): void {
  const bad = parts.flatMap(({ entry }, i) => (counts[i] ? [`${entry.name} in ${entry.file} has ${counts[i]}`] : []));
  if (bad.length > 0)
    throw new FoveaError(
      "bad-weights",
      `weights that are NaN or infinite: ${bad.slice(0, 3).join("; ")}${bad.length > 3 ? `; and ${bad.length - 3} more tensors` : ""}. The file is damaged or was exported with an overflow`,
    );
}
