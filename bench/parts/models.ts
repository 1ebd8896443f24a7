/**
 * The models that are measured: their shapes, and random weights that are the same wherever and by whomever they are made,
 * so that two engines can be compared. Only time is measured with them, and whether two engines agree.
 */
import type { Gpu } from "../../src/gpu/device.ts";
import { GROUP, isPacked, type Tensor, tensorByteLength } from "../../src/gpu/tensor.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { Weights } from "../../src/model/load.ts";
import { type WeightSlot, weightSlots } from "../../src/model/names.ts";

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

/** Words of a generator with a period of 2^32 (mulberry32) that begins where the name says. */
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

/** `count` values within `spread` of `mean`, always the same for a name. */
export function randomValues(name: string, count: number, spread = 1, mean = 0): Float32Array {
  const next = generator(name);
  return Float32Array.from({ length: count }, () => mean + spread * (next() / 2 ** 31 - 1));
}

/** Values of a weight as a trained model has them in size: norms near 1, products that keep the size of their input. */
export function slotValues({ name, shape }: WeightSlot): Float32Array {
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  if (/norm\d?\.weight$|Norm\.weight$/.test(name)) return randomValues(name, count, 0.1, 1);
  if (shape.length < 2 || name === "vision.positions") return randomValues(name, count, 0.05);
  if (name === "decoder.embed") return randomValues(name, count, 1);
  return randomValues(name, count, Math.sqrt(3 / shape[1]!));
}

/** A matrix of small integers, each group of 32 in a row under one scale. */
export interface PackedMatrix {
  /** Two in a byte, the first one low, less 8 (4 bits), or signed bytes (8 bits). */
  levels: Uint8Array<ArrayBuffer>;
  /** Halves, in parts of 1 / 256; see shaders/lib/chunk-q4.wgsl. */
  scales: Uint16Array<ArrayBuffer>;
}

/** A random matrix that keeps the size of what it is multiplied with. */
export function packedMatrix(name: string, rows: number, cols: number, bits: 4 | 8): PackedMatrix {
  const next = generator(name);
  const words = Uint32Array.from({ length: (rows * cols * bits) / 32 }, next);
  // A nibble or byte of 0 would stand for -8 or, with its sign, for nothing: without the former the mean is 0.
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

/** The weights of a model, random, on the GPU in the formats that `wanted` leads to. */
export function randomWeights(gpu: Gpu, config: ModelConfig, wanted: WeightType): Weights {
  const slots = weightSlots(config);
  const weights = new Weights(gpu.arena, slots, wanted);
  for (const slot of slots) uploadRandom(gpu, weights.get(slot.name), slot);
  return weights;
}

function uploadRandom(gpu: Gpu, tensor: Tensor, slot: WeightSlot): void {
  const { type, shape } = tensor;
  const [rows, cols] = shape as [number, number];
  gpu.upload(tensor, isPacked(type) ? packedBytes(slot.name, rows, cols, type) : slotValues(slot));
}

/** A random matrix as a packed tensor's buffer holds it. */
export function packedBytes(name: string, rows: number, cols: number, type: "f16" | "q8" | "q4"): Uint8Array {
  const bytes = new Uint8Array(tensorByteLength({ shape: [rows, cols], type }));
  if (type === "f16") {
    // Halves of 1 / 64 to 1 / 32, with either sign.
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
