/**
 * A Llama with packed weights as an ONNX graph of onnxruntime's own operators, as its model builder writes them:
 * MatMulNBits, GroupQueryAttention with RoPE inside, norms that add the residual.
 */
import { GROUP } from "../../src/gpu/tensor.ts";
import { ropeTable } from "../../src/kernels/rope.ts";
import type { DecoderSpec } from "../../src/spec/model-spec.ts";
import { type PackedMatrix, packedMatrix, tensorValues } from "../parts/models.ts";
import { cacheNames } from "./cache-names.ts";
import { Graph } from "./graph.ts";

const MICROSOFT = { domain: "com.microsoft" };

/** Zero point of levels stored without a sign. */
const ZERO_POINT = { 4: 8, 8: 128 } as const;

/**
 * Inputs: "ids" [1, T] i64, "seqlens" [1] i32 (rows in the cache afterwards, less 1), "total" i32 (the same, not less 1), the past
 * caches. Outputs: "logits" [1, 1, V] of the last row, the present caches. Weights are those of `randomWeights`.
 */
export function llamaGraph(spec: DecoderSpec): Uint8Array<ArrayBuffer> {
  const { width, layers, vocabularySize, maxPositions, eps } = spec;
  const { heads, keyHeads, headWidth } = layers[0]!.attention!;
  const mlpWidth = layers[0]!.mlp.width;
  const graph = new Graph({ "": 14, "com.microsoft": 1 });
  const values = (name: string, shape: readonly number[]) =>
    graph.constant(name, "f32", shape, tensorValues({ name, shape }));

  /** Rows `first` to `first + rows` of a packed matrix of `allRows`. */
  const linear = (
    name: string,
    x: string,
    { source, rows, cols, bits = 4, first = 0 }: Product,
    allRows = rows,
  ): string => {
    const { levels, scales } = part(packedMatrix(source, allRows, cols, bits), { first, rows, allRows });
    const groups = cols / GROUP;
    const stored = bits === 8 ? levels.map((level) => level ^ 0x80) : levels;
    const inputs = [
      x,
      graph.constant(`${name}.levels`, "u8", [rows, groups, (GROUP * bits) / 8], stored),
      graph.constant(`${name}.scales`, "f32", [rows * groups], Float32Array.from(scales, scaleOf)),
    ];
    if (bits === 8) {
      const zeros = new Uint8Array(rows * groups).fill(ZERO_POINT[bits]);
      inputs.push(graph.constant(`${name}.zeros`, "u8", [rows * groups], zeros));
    }
    const shape = { K: { i: cols }, N: { i: rows }, bits: { i: bits }, block_size: { i: GROUP } };
    return graph.node("MatMulNBits", name, inputs, { ...MICROSOFT, ...shape });
  };

  const ids = graph.input("ids", "i64", [1, "T"]);
  const seqlens = graph.input("seqlens", "i32", [1]);
  const total = graph.input("total", "i32", []);
  const table = ropeTable(maxPositions, () => spec.rope.frequencies, spec.rope.factor);
  const [cos, sin] = [0, 1].map((which) => {
    const name = which === 0 ? "cos" : "sin";
    return graph.constant(name, "f32", [maxPositions, headWidth / 2], halfOf(table, headWidth, which));
  }) as [string, string];
  const rowsOfTokens = unpacked(packedMatrix("decoder.embed", vocabularySize, width, 8));
  const embeddings = graph.constant("embeddings", "f32", [vocabularySize, width], rowsOfTokens);
  let residual = graph.node("Gather", "embedded", [embeddings, ids], { axis: { i: 0 } });
  const epsilon = { epsilon: { f: eps } };
  const firstNorm = values("decoder.layers.0.norm1.weight", [width]);
  let normed = graph.node("SimplifiedLayerNormalization", "first norm", [residual, firstNorm], {
    ...epsilon,
    axis: { i: -1 },
    stash_type: { i: 1 },
  });
  /** The residual plus x, and its norm. */
  const addNorm = (name: string, x: string, weight: string) => {
    const sum = `${name} sum`;
    const inputs = [x, residual, values(weight, [width])];
    normed = graph.node("SkipSimplifiedLayerNormalization", name, inputs, {
      ...MICROSOFT,
      ...epsilon,
      outputs: ["", "", sum],
    });
    residual = sum;
  };
  for (const layer of layers.keys()) {
    const name = `decoder.layers.${layer}`;
    const rows = (heads + 2 * keyHeads) * headWidth;
    const qkv = linear(`${name}.qkv`, normed, { source: `${name}.qkv.weight`, rows, cols: width });
    const { past, present } = cacheNames(layer);
    for (const cache of past) graph.input(cache, "f32", [1, keyHeads, "past", headWidth]);
    const inputs = [qkv, "", "", ...past, seqlens, total, cos, sin];
    const attended = graph.node("GroupQueryAttention", `${name} attended`, inputs, {
      ...MICROSOFT,
      num_heads: { i: heads },
      kv_num_heads: { i: keyHeads },
      scale: { f: 1 / Math.sqrt(headWidth) },
      do_rotary: { i: 1 },
      rotary_interleaved: { i: 0 },
      outputs: present,
    });
    for (const cache of present) graph.output(cache, "f32", [1, keyHeads, "present", headWidth]);
    const outOf = { source: `${name}.out.weight`, rows: width, cols: heads * headWidth };
    addNorm(`${name}.norm2`, linear(`${name}.out`, attended, outOf), `${name}.norm2.weight`);
    const gateUp = { source: `${name}.gateUp.weight`, rows: mlpWidth, cols: width };
    const gate = linear(`${name}.gate`, normed, gateUp, 2 * mlpWidth);
    const up = linear(`${name}.up`, normed, { ...gateUp, first: mlpWidth }, 2 * mlpWidth);
    const sigmoid = graph.node("Sigmoid", `${name}.sigmoid`, [gate]);
    const silu = graph.node("Mul", `${name}.silu`, [gate, sigmoid]);
    const mlp = graph.node("Mul", `${name}.mlp`, [silu, up]);
    const down = linear(`${name}.down`, mlp, { source: `${name}.down.weight`, rows: width, cols: mlpWidth });
    const isLast = layer + 1 === layers.length;
    const next = isLast ? "decoder.norm" : `decoder.layers.${layer + 1}.norm1`;
    addNorm(next, down, `${next}.weight`);
  }
  const last = graph.constant("last", "i64", [1], BigInt64Array.of(-1n));
  const row = graph.node("Gather", "last row", [normed, last], { axis: { i: 1 } });
  linear("logits", row, { source: "decoder.head", rows: vocabularySize, cols: width, bits: 8 });
  graph.output("logits", "f32", [1, 1, vocabularySize]);
  return graph.encode(8);
}

interface Product {
  /** Canonical name of the matrix. */
  source: string;
  rows: number;
  cols: number;
  bits?: 4 | 8;
  /** First row of the matrix that the product uses. */
  first?: number;
}

function part(
  { levels, scales }: PackedMatrix,
  { first, rows, allRows }: { first: number; rows: number; allRows: number },
): PackedMatrix {
  const cut = <T extends Uint8Array | Uint16Array>(array: T) =>
    array.slice((array.length / allRows) * first, (array.length / allRows) * (first + rows)) as T;
  return { levels: cut(levels), scales: cut(scales) };
}

/** Values of a matrix of signed bytes. */
function unpacked({ levels, scales }: PackedMatrix): Float32Array {
  const signed = new Int8Array(levels.buffer, levels.byteOffset, levels.length);
  return Float32Array.from(signed, (level, i) => level * scaleOf(scales[Math.floor(i / GROUP)]!));
}

/** A scale as a number, from Fovea's f16 in units of 1 / 256. */
function scaleOf(half: number): number {
  return ((1 + (half & 1023) / 1024) * 2 ** (((half >>> 10) & 31) - 15)) / 256;
}

/** Cosines (0) or sines (1) of the engine's own table; its rows hold all cosines, then all sines. */
function halfOf(table: Float32Array, headWidth: number, which: number): Float32Array {
  const half = headWidth / 2;
  return Float32Array.from(
    { length: table.length / 2 },
    (_, i) => table[Math.floor(i / half) * headWidth + which * half + (i % half)]!,
  );
}
