/**
 * How each weight is stored on the GPU: as the caller asks, as far as a tensor's shape and use allow. Pure; the kernels
 * room packs the values.
 */
import { type PackedType, type Tensor, tensorByteLength } from "../../gpu/tensor.ts";
import { canPack, type WeightType } from "../../kernels/weights.ts";
import type { TensorSpec } from "../../spec/tensor-spec.ts";

/** Formats from the largest to the smallest. */
const TYPES: readonly WeightType[] = ["f32", "f16", "q8", "q4"];

/** Weights of this many bytes or fewer stay f32, and every result exact: packing them would save nothing that matters. */
const SMALL_BYTES = 256 << 20;
/** Most bytes of weights that "auto" allows; a device with small buffers (a phone) gets less. */
const MOST_BYTES = 1 << 30;

/**
 * The format that "auto" stands for: f32 for small models; otherwise the widest of f16, q8, q4 whose weights stay below
 * half of the largest buffer that the device allows (browsers do not tell how much memory there is), and below 1 GiB.
 */
export function chooseWeights(
  tensors: readonly Pick<TensorSpec, "shape" | "use">[],
  { maxBufferSize }: { maxBufferSize: number },
): WeightType {
  const most = Math.min(MOST_BYTES, maxBufferSize / 2);
  return TYPES.find((type) => weightBytes(tensors, type) <= (type === "f32" ? SMALL_BYTES : most)) ?? "q4";
}

/** The format that was asked for, or what "auto" stands for on this device. */
export function resolveWeights(
  tensors: readonly Pick<TensorSpec, "shape" | "use">[],
  wanted: WeightType | "auto",
  limits: { maxBufferSize: number },
): WeightType {
  return wanted === "auto" ? chooseWeights(tensors, limits) : wanted;
}

/** Bytes of all weights in a format. */
export function weightBytes(tensors: readonly Pick<TensorSpec, "shape" | "use">[], wanted: WeightType): number {
  return tensors.reduce(
    (sum, tensor) => sum + tensorByteLength({ shape: tensor.shape, type: weightType(tensor, wanted) }),
    0,
  );
}

/**
 * How one weight is stored. Vectors and tables stay f32: they are small, and added, not multiplied. Embeddings and heads
 * are not packed below 8 bits: every logit would lose what they lose. A row that does not divide into groups takes the
 * next wider type.
 */
export function weightType(
  { use, shape }: Pick<TensorSpec, "use" | "shape">,
  wanted: WeightType,
): Tensor["type"] & WeightType {
  if (wanted === "f32" || use === "vector" || use === "table") return "f32";
  const ladder: readonly PackedType[] =
    wanted === "q4" && use === "linear" ? ["q4", "f16"] : wanted === "f16" ? ["f16"] : ["q8", "f16"];
  return ladder.find((type) => canPack(shape.at(-1)!, type)) ?? "f32";
}
