/**
 * The measured models: their shapes, and random weights that depend on names only, so that two engines can run the same
 * ones. They are for measuring time, and for checking that two engines agree.
 */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import {
  GROUP,
  type GroupedType,
  isPacked,
  scalesOffset,
  type Tensor,
  tensorByteLength,
} from "../../src/gpu/tensor.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import { Weights } from "../../src/model/load/fill.ts";
import type { MatchedTensors } from "../../src/model/load/match.ts";
import { elementCount } from "../../src/shared/shape.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import type { TensorSpec } from "../../src/spec/tensor-spec.ts";

/** ViT-Tiny/16 at 224 (5.7 M parameters), as its config.json. */
export const VIT_TINY = {
  model_type: "vit",
  architectures: ["ViTForImageClassification"],
  hidden_size: 192,
  intermediate_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 3,
  image_size: 224,
  patch_size: 16,
  hidden_act: "gelu",
  layer_norm_eps: 1e-6,
  num_labels: 1000,
};

/** A Llama of 20 M parameters, six layers of 512, as its config.json. */
export const LLAMA_20M = {
  model_type: "llama",
  hidden_size: 512,
  intermediate_size: 1408,
  num_hidden_layers: 6,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  vocab_size: 4096,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
};

/** Words of a generator with a period of 2^32 (mulberry32), seeded by a name. */
function generator(name: string): () => number {
  let state = 0x811c9dc5;
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return (z ^ (z >>> 14)) >>> 0;
  };
}

/** `count` values within `spread` of `mean`; the same for the same name. */
export function randomValues(name: string, count: number, spread = 1, mean = 0): Float32Array {
  const next = generator(name);
  return Float32Array.from({ length: count }, () => mean + spread * (next() / 2 ** 31 - 1));
}

/** Values of about a trained weight's size: norms near 1, matmuls that keep the size of their input. */
export function tensorValues({ name, shape }: Pick<TensorSpec, "name" | "shape">): Float32Array {
  const count = elementCount(shape);
  if (/norm\d?\.weight$|Norm\.weight$/.test(name)) return randomValues(name, count, 0.1, 1);
  if (shape.length < 2 || name === "encoder.positions") return randomValues(name, count, 0.05);
  if (name === "decoder.embed") return randomValues(name, count, 1);
  return randomValues(name, count, Math.sqrt(3 / shape[1]!));
}

/** A matrix of small integers with one scale for each group of 32 in a row. */
export interface PackedMatrix {
  /** With 4 bits: two in a byte, the first one low, stored plus 8. With 8 bits: signed bytes. */
  levels: Uint8Array<ArrayBuffer>;
  /** f16, in units of 1 / 256; see shaders/lib/chunk-q4.wgsl. */
  scales: Uint16Array<ArrayBuffer>;
}

/** A random matrix whose products are about as large as their input. */
export function packedMatrix(name: string, rows: number, cols: number, bits: 4 | 8): PackedMatrix {
  const next = generator(name);
  const words = Uint32Array.from({ length: (rows * cols * bits) / 32 }, next);
  // A nibble of 0 means -8. Without it the mean is 0.
  if (bits === 4)
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      const zeros = ~(word | (word >>> 1) | (word >>> 2) | (word >>> 3)) & 0x11111111;
      words[i] = word | (zeros << 3);
    }
  const deviation = bits === 4 ? 4.3 : 74;
  const exponent = 15 + Math.round(Math.log2(256 / (1.5 * deviation * Math.sqrt(cols))));
  const scales = Uint16Array.from({ length: (rows * cols) / GROUP }, () => (exponent << 10) | (next() & 1023));
  return { levels: new Uint8Array(words.buffer), scales };
}

/** The tensors of a model's own checkpoint: all except a tied head. */
export function ownTensors({ tensors }: Pick<ModelSpec, "tensors">): Pick<MatchedTensors, "tensors" | "aliases"> {
  const isTied = ({ parts }: TensorSpec) => parts.length === 0;
  return {
    tensors: tensors.filter((tensor) => !isTied(tensor)),
    aliases: new Map(tensors.filter(isTied).map(({ name, instead }) => [name, instead!])),
  };
}

/** Random weights of a model on the GPU, in the storage types for `wanted`. @param arena owns them */
export function randomWeights(
  gpu: Gpu,
  model: Pick<ModelSpec, "tensors">,
  wanted: WeightType,
  arena: Arena = gpu.arena,
): Weights {
  const own = ownTensors(model);
  const weights = new Weights(arena, own, wanted);
  for (const { name } of own.tensors) uploadRandom(gpu, weights.get(name), name);
  return weights;
}

function uploadRandom(gpu: Gpu, tensor: Tensor, name: string): void {
  const { type, shape } = tensor;
  const [rows, cols] = shape as [number, number];
  gpu.upload(
    tensor,
    isPacked(type) && typeof type === "string" ? packedBytes(name, rows, cols, type) : tensorValues({ name, shape }),
  );
}

/** A random matrix in the layout of a packed tensor's buffer. */
export function packedBytes(name: string, rows: number, cols: number, type: "f16" | "q8" | "q4"): Uint8Array {
  const bytes = new Uint8Array(tensorByteLength({ shape: [rows, cols], type }));
  if (type === "f16") {
    // f16 of 1 / 64 to 1 / 32, with either sign.
    const next = generator(name);
    const halves = new Uint16Array(bytes.buffer);
    for (let i = 0; i < halves.length; i++) halves[i] = (next() & 0x83ff) | (9 << 10);
    return bytes;
  }
  const { levels, scales } = packedMatrix(name, rows, cols, type === "q4" ? 4 : 8);
  bytes.set(levels);
  bytes.set(new Uint8Array(scales.buffer), levels.length);
  return bytes;
}

/** A random matrix of integers in groups with f16 scales, and biases if it has them, of about 1 / 64. */
export function groupedBytes(name: string, rows: number, cols: number, type: GroupedType): Uint8Array {
  const bytes = new Uint8Array(tensorByteLength({ shape: [rows, cols], type }));
  const next = generator(name);
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = next();
  const halves = new Uint16Array(bytes.buffer, 4 * scalesOffset({ shape: [rows, cols], type }));
  for (let i = 0; i < halves.length; i++) halves[i] = (halves[i]! & 0x83ff) | (17 << 10);
  return bytes;
}
