/**
 * A Llama with packed weights as an ONNX graph of onnxruntime's own operators, as its model builder writes them:
 * MatMulNBits, GroupQueryAttention with RoPE inside, norms that add the residual.
 */
import { GROUP } from "../../src/gpu/tensor.ts";
import { ropeTable } from "../../src/kernels/rope.ts";
import type { AttentionSpec, DecoderSpec } from "../../src/spec/model-spec.ts";
import { type PackedMatrix, packedMatrix, tensorValues } from "../parts/models.ts";
import { cacheNames } from "./cache-names.ts";
import { Graph } from "./graph.ts";

const MICROSOFT = { domain: "com.microsoft" };

/** Zero point of levels stored without a sign. */
const ZERO_POINT = { 4: 8, 8: 128 } as const;

/**
 * Inputs: "ids" [1, T] i64, "seqlens" [1] i32 (rows in the cache afterwards, less 1), "total" i32 (the same, not less 1),
 * the past caches. Outputs: "logits" [1, 1, V] of the last row, the present caches. Weights are those of
 * `randomWeights`.
 */
export function llamaGraph(spec: DecoderSpec): Uint8Array<ArrayBuffer> {
  const graph = new Graph({ "": 14, "com.microsoft": 1 });
  const llama = new Llama(graph, spec);
  llama.embed(graph.input("ids", "i64", [1, "T"]));
  for (const layer of spec.layers.keys()) llama.layer(layer);
  llama.head();
  return graph.encode(8);
}

/** The parts of the graph. Methods add nodes; the residual stream goes from each to the next. */
class Llama {
  readonly #graph: Graph;
  readonly #spec: DecoderSpec;
  readonly #heads: AttentionSpec;
  /** Of GroupQueryAttention, after the caches: seqlens, total, cosines, sines. */
  readonly #shared: string[] = [];
  #residual = "";
  #normed = "";

  constructor(graph: Graph, spec: DecoderSpec) {
    this.#graph = graph;
    this.#spec = spec;
    this.#heads = spec.layers[0]!.attention!;
  }

  embed(ids: string): void {
    const graph = this.#graph;
    const { width, vocabularySize, maxPositions, rope } = this.#spec;
    this.#shared.push(graph.input("seqlens", "i32", [1]), graph.input("total", "i32", []));
    const { headWidth } = this.#heads;
    const table = ropeTable(maxPositions, () => rope.frequencies, rope.factor);
    for (const [which, name] of ["cos", "sin"].entries()) {
      const values = halfOf(table, headWidth, which);
      this.#shared.push(graph.constant(name, "f32", [maxPositions, headWidth / 2], values));
    }
    const rows = unpacked(packedMatrix("decoder.embed", vocabularySize, width, 8));
    const embeddings = graph.constant("embeddings", "f32", [vocabularySize, width], rows);
    this.#residual = graph.node("Gather", "embedded", [embeddings, ids], { axis: { i: 0 } });
    const weight = this.#vector("decoder.layers.0.norm1.weight");
    this.#normed = graph.node("SimplifiedLayerNormalization", "first norm", [this.#residual, weight], {
      epsilon: { f: this.#spec.eps },
      axis: { i: -1 },
      stash_type: { i: 1 },
    });
  }

  layer(layer: number): void {
    const graph = this.#graph;
    const { width, layers } = this.#spec;
    const { heads, headWidth } = this.#heads;
    const mlpWidth = layers[0]!.mlp.width;
    const name = `decoder.layers.${layer}`;
    const outOf = { source: `${name}.out.weight`, rows: width, cols: heads * headWidth };
    this.#addNorm(`${name}.norm2`, this.#linear(`${name}.out`, this.#attention(layer, name), outOf));
    const gateUp = { source: `${name}.gateUp.weight`, rows: mlpWidth, cols: width };
    const gate = this.#linear(`${name}.gate`, this.#normed, gateUp, 2 * mlpWidth);
    const up = this.#linear(`${name}.up`, this.#normed, { ...gateUp, first: mlpWidth }, 2 * mlpWidth);
    const sigmoid = graph.node("Sigmoid", `${name}.sigmoid`, [gate]);
    const silu = graph.node("Mul", `${name}.silu`, [gate, sigmoid]);
    const mlp = graph.node("Mul", `${name}.mlp`, [silu, up]);
    const down = this.#linear(`${name}.down`, mlp, { source: `${name}.down.weight`, rows: width, cols: mlpWidth });
    const isLast = layer + 1 === layers.length;
    this.#addNorm(isLast ? "decoder.norm" : `decoder.layers.${layer + 1}.norm1`, down);
  }

  head(): void {
    const graph = this.#graph;
    const { width, vocabularySize } = this.#spec;
    const last = graph.constant("last", "i64", [1], BigInt64Array.of(-1n));
    const row = graph.node("Gather", "last row", [this.#normed, last], { axis: { i: 1 } });
    this.#linear("logits", row, { source: "decoder.head", rows: vocabularySize, cols: width, bits: 8 });
    graph.output("logits", "f32", [1, 1, vocabularySize]);
  }

  #attention(layer: number, name: string): string {
    const graph = this.#graph;
    const { heads, keyHeads, headWidth } = this.#heads;
    const product = { source: `${name}.qkv.weight`, rows: (heads + 2 * keyHeads) * headWidth, cols: this.#spec.width };
    const qkv = this.#linear(`${name}.qkv`, this.#normed, product);
    const { past, present } = cacheNames(layer);
    for (const cache of past) graph.input(cache, "f32", [1, keyHeads, "past", headWidth]);
    const inputs = [qkv, "", "", ...past, ...this.#shared];
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
    return attended;
  }

  /** The residual plus x, and its norm. */
  #addNorm(name: string, x: string): void {
    const sum = `${name} sum`;
    const inputs = [x, this.#residual, this.#vector(`${name}.weight`)];
    this.#normed = this.#graph.node("SkipSimplifiedLayerNormalization", name, inputs, {
      ...MICROSOFT,
      epsilon: { f: this.#spec.eps },
      outputs: ["", "", sum],
    });
    this.#residual = sum;
  }

  /** Rows `first` to `first + rows` of a packed matrix of `allRows`. */
  #linear(name: string, x: string, product: Product, allRows = product.rows): string {
    const graph = this.#graph;
    const { source, rows, cols, bits = 4, first = 0 } = product;
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
  }

  #vector(name: string): string {
    const shape = [this.#spec.width];
    return this.#graph.constant(name, "f32", shape, tensorValues({ name, shape }));
  }
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
