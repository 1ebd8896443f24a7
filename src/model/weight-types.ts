/**
 * How each weight is kept on the GPU: what was asked for, as far as a tensor's shape and its use allow. Pure; the packing
 * itself is in the kernels room, its order in load.ts.
 */
import { type PackedType, type Tensor, tensorByteLength } from "../gpu/tensor.ts";
import { canPack, type WeightType } from "../kernels/weights.ts";
import type { WeightSlot } from "./names.ts";

/** Formats from the largest to the smallest. */
const TYPES: readonly WeightType[] = ["f32", "f16", "q8", "q4"];

/** Weights of this many bytes or fewer stay f32, and every result exact: packing them would save nothing that matters. */
const SMALL_BYTES = 256 << 20;
/** What "auto" lets weights take at most; a device that allows only small buffers (a phone) is given less. */
const MOST_BYTES = 1 << 30;

/**
 * The format that "auto" stands for: f32 for small models; otherwise the widest of f16, q8, q4 whose weights stay below
 * half of the largest buffer that the device allows (browsers do not tell how much memory there is), and below 1 GiB.
 */
export function chooseWeights(slots: readonly WeightSlot[], { maxBufferSize }: { maxBufferSize: number }): WeightType {
  const most = Math.min(MOST_BYTES, maxBufferSize / 2);
  return TYPES.find((type) => weightBytes(slots, type) <= (type === "f32" ? SMALL_BYTES : most)) ?? "q4";
}

/** The format that was asked for, or what "auto" stands for on this device. */
export function resolveWeights(
  slots: readonly WeightSlot[],
  wanted: WeightType | "auto",
  limits: { maxBufferSize: number },
): WeightType {
  return wanted === "auto" ? chooseWeights(slots, limits) : wanted;
}

/** Bytes of all weights in a format. */
export function weightBytes(slots: readonly WeightSlot[], wanted: WeightType): number {
  return slots.reduce((sum, slot) => sum + tensorByteLength({ shape: slot.shape, type: weightType(slot, wanted) }), 0);
}

/**
 * How one weight is kept. Vectors and tables of positions stay f32: they are small, and added, not multiplied. Token
 * embeddings and the heads are not packed below 8 bits: what they lose, every logit loses. A row that does not divide into
 * groups takes the next wider format.
 */
export function weightType(
  { name, shape }: Pick<WeightSlot, "name" | "shape">,
  wanted: WeightType,
): Tensor["type"] & WeightType {
  if (wanted === "f32" || shape.length < 2 || name === "vision.positions") return "f32";
  const isTable = ["decoder.embed", "decoder.head", "classifier.weight"].includes(name);
  const ladder: readonly PackedType[] =
    wanted === "q4" && !isTable ? ["q4", "f16"] : wanted === "f16" ? ["f16"] : ["q8", "f16"];
  return ladder.find((type) => canPack(shape.at(-1)!, type)) ?? "f32";
}
