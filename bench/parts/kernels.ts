/** The kernels that take most of a model's time, each in its physical unit, next to a plain copy and a plain matmul. */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { isPacked, type Tensor, tensorByteLength } from "../../src/gpu/tensor.ts";
import { attention } from "../../src/kernels/attention.ts";
import { attentionDecode, decodePartials } from "../../src/kernels/attention-decode.ts";
import { layerNorm } from "../../src/kernels/layer-norm.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import { matvec } from "../../src/kernels/matvec.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import { causalRanges } from "../../src/model/decoder/visible.ts";
import { viewRanges } from "../../src/model/encoder/view-ranges.ts";
import { layoutCosts } from "./layouts.ts";
import { packedBytes, randomValues } from "./models.ts";
import type { Part } from "./part.ts";
import { type Candidate, measureRates, noise, plainCopyOf, plainProductsOf, usesF16 } from "./rates.ts";
import type { Figure, SizeName } from "./result.ts";

interface Sizes {
  /** f32 values of a copy. */
  copy: number;
  /** [rows, inner] times [cols, inner] in matmuls. */
  rows: number;
  cols: number;
  inner: number;
  /** [cols, inner] of matmuls with weights in every layout. */
  layers: [cols: number, inner: number];
  /** [cols, inner] of the matmul of one row. */
  vector: [cols: number, inner: number];
  /** Rows of attention and of a norm, with `heads` heads of 64. */
  tokens: number;
  heads: number;
  /** Keys that one row attends to. */
  keys: number;
  rounds: number;
  batchMs: number;
}

const SIZES: Record<SizeName, Sizes> = {
  // Only checks that it runs.
  tiny: {
    copy: 1 << 12,
    rows: 20,
    cols: 64,
    inner: 64,
    layers: [64, 256],
    vector: [64, 256],
    tokens: 20,
    heads: 2,
    keys: 20,
    rounds: 1,
    batchMs: 0,
  },
  // ViT-Tiny's widest matmul, and a layer of the Llama of 20 M parameters.
  small: {
    copy: 1 << 21,
    rows: 197,
    cols: 768,
    inner: 192,
    layers: [512, 512],
    vector: [2816, 512],
    tokens: 197,
    heads: 3,
    keys: 512,
    rounds: 5,
    batchMs: 30,
  },
  // CLIP ViT-L/14-336's widest matmul, and a matrix far larger than caches.
  large: {
    copy: 1 << 26,
    rows: 577,
    cols: 4096,
    inner: 1024,
    layers: [4096, 1024],
    vector: [16384, 4096],
    tokens: 577,
    heads: 16,
    keys: 4096,
    rounds: 9,
    batchMs: 100,
  },
};

export const kernels: Part = async ({ gpu, size, progress }) => {
  const sizes = SIZES[size];
  const arena = gpu.arena.scope();
  const groups = {
    memory: [
      plainCopyOf(arena, sizes.copy),
      ...vectors(gpu, arena, sizes),
      decoding(gpu, arena, sizes, "f32"),
      decoding(gpu, arena, sizes, "f16"),
    ],
    norm: [plainCopyOf(arena, sizes.copy), norm(gpu, arena, sizes)],
    arithmetic: [...plainProductsOf(gpu, arena, sizes), ...products(gpu, arena, sizes), attending(gpu, arena, sizes)],
  };
  const figures: Figure[] = [];
  for (const [name, candidates] of Object.entries(groups)) {
    progress(`kernels: ${name}`);
    // The copy is measured in each group, for comparison, and listed once.
    for (const figure of await measureRates(gpu, candidates, sizes))
      if (!figures.some(({ id }) => id === figure.id)) figures.push(figure);
  }
  arena.dispose();
  progress("kernels: layouts of packed weights");
  const { rows, layers, vector } = sizes;
  figures.push(...(await layoutCosts(gpu, { rows, vector, matrix: layers }, sizes)));
  return figures;
};

/** A random weight matrix [rows, cols]. */
function weightOf(gpu: Gpu, arena: Arena, [rows, cols]: [number, number], type: WeightType): Tensor {
  const tensor = arena.tensor("bench weight", [rows, cols], type);
  const values = isPacked(type)
    ? packedBytes("weight", rows, cols, type)
    : randomValues("weight", rows * cols, Math.sqrt(3 / cols));
  gpu.upload(tensor, values);
  return tensor;
}

function vectors(gpu: Gpu, arena: Arena, { vector }: Sizes): Candidate[] {
  const [cols, inner] = vector;
  const x = noise(gpu, arena, [1, inner]);
  const y = arena.tensor("product", [1, cols]);
  return (["f32", "f16", "q8", "q4"] as const).map((type) => {
    const weight = weightOf(gpu, arena, vector, type);
    return {
      id: `kernels.matvec-${type}`,
      what: `one row times [${cols}, ${inner}], ${type}`,
      bytes: tensorByteLength(weight) + 4 * (inner + cols),
      record: (recorder) => matvec(recorder, { x, weight, y }),
    };
  });
}

function products(gpu: Gpu, arena: Arena, { rows, cols, inner }: Sizes): Candidate[] {
  const x = noise(gpu, arena, [rows, inner]);
  const y = arena.tensor("product", [rows, cols]);
  return (["f32", "f16", "q8", "q4"] as const).map((type) => {
    const weight = weightOf(gpu, arena, [cols, inner], type);
    return {
      id: `kernels.matmul-${type}`,
      what: `[${rows}, ${inner}] times [${cols}, ${inner}], ${type}`,
      flops: 2 * rows * cols * inner,
      f16: type !== "f32" && usesF16(gpu),
      record: (recorder) => matmul(recorder, { x, weight, y }),
    };
  });
}

/** Key ranges on the GPU, [T, 2]. */
function rangesOf(gpu: Gpu, arena: Arena, ranges: Uint32Array): Tensor {
  const tensor = arena.tensor("visible", [ranges.length / 2, 2], "u32");
  gpu.upload(tensor, ranges);
  return tensor;
}

function attending(gpu: Gpu, arena: Arena, { tokens, heads }: Sizes): Candidate {
  const width = heads * 64;
  const qkv = noise(gpu, arena, [tokens, 3 * width]);
  const y = arena.tensor("attended", [tokens, width]);
  const operand = (part: number) => ({ tensor: qkv, stride: 3 * width, offset: part * width });
  const visible = rangesOf(gpu, arena, viewRanges(1, tokens));
  const operands = { q: operand(0), k: operand(1), v: operand(2), visible, y, rows: tokens, keys: tokens };
  return {
    id: "kernels.attention",
    what: `attention of ${tokens} rows, ${heads} heads of 64`,
    flops: 4 * tokens * tokens * width,
    record: (recorder) => attention(recorder, { ...operands, heads, keyHeads: heads, headWidth: 64, scale: 1 / 8 }),
  };
}

function decoding(gpu: Gpu, arena: Arena, { keys, heads }: Sizes, type: "f32" | "f16"): Candidate {
  const width = heads * 64;
  const q = { tensor: noise(gpu, arena, [1, width]), stride: width, offset: 0 };
  const shape: [number, number] = [keys, 2 * width];
  const cache = type === "f16" ? weightOf(gpu, arena, shape, type) : noise(gpu, arena, shape);
  const partials = decodePartials(arena, { maxKeys: keys, heads, headWidth: 64 });
  const operand = (part: number) => ({ tensor: cache, stride: 2 * width, offset: part * width });
  const visible = rangesOf(gpu, arena, causalRanges(1, keys - 1));
  const operands = {
    q,
    k: operand(0),
    v: operand(1),
    visible,
    y: arena.tensor("attended", [1, width]),
    partials,
    keys,
  };
  return {
    id: `kernels.attention-decode${type === "f16" ? "-f16" : ""}`,
    what: `attention of one row over ${keys} keys in ${type}, ${heads} heads of 64`,
    bytes: (type === "f16" ? 4 : 8) * keys * width,
    record: (recorder) =>
      attentionDecode(recorder, { ...operands, heads, keyHeads: heads, headWidth: 64, scale: 1 / 8 }),
  };
}

function norm(gpu: Gpu, arena: Arena, { tokens, heads }: Sizes): Candidate {
  const width = heads * 64;
  const x = noise(gpu, arena, [tokens, width]);
  const y = arena.tensor("normed", [tokens, width]);
  const [weight, bias] = [noise(gpu, arena, [width]), noise(gpu, arena, [width])];
  return {
    id: "kernels.layer-norm",
    what: `layer norm of [${tokens}, ${width}]`,
    bytes: 8 * tokens * width,
    record: (recorder) => layerNorm(recorder, { x, weight, bias, y, eps: 1e-5 }),
  };
}
