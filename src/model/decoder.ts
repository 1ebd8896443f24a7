/**
 * The decoder: Llama and Qwen2 layers (RMS norm, RoPE, grouped-query attention, SiLU gate) over a KV cache. Prompts go
 * through in chunks of rows, generated tokens one row at a time. prompt.ts makes prompts; kernels/sample.ts chooses tokens.
 */
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import { isSplit, type Tensor, view } from "../gpu/tensor.ts";
import type { DecodePartials } from "../kernels/attention-decode.ts";
import { linear } from "../kernels/linear.ts";
import { gatedMatvec } from "../kernels/matvec.ts";
import { qkv } from "../kernels/qkv.ts";
import { rmsNorm } from "../kernels/rms-norm.ts";
import { axesOf, rope, ropeTable } from "../kernels/rope.ts";
import type { RowNorm } from "../kernels/row-product.ts";
import { siluGate } from "../kernels/silu-gate.ts";
import { tokenEmbed } from "../kernels/token-embed.ts";
import type { DecoderConfig } from "./config.ts";
import type { KvCache } from "./kv-cache.ts";
import { type LayerAttention, plainAttention } from "./layer-attention.ts";
import type { Weights } from "./load.ts";

/** Buffers of one chunk of at most R rows. */
interface Workspace {
  hidden: Tensor; // [R, W]
  normed: Tensor; // [R, W]
  qkv: Tensor; // [R, (H + 2 Hk) D]
  q: Tensor; // [R, H D]
  attended: Tensor; // [R, H D]
  gateUp: Tensor; // [R, 2 F]
  mlp: Tensor; // [R, F]
}

/** Elements that a row of a chunk takes in the workspace. */
export function rowElements({ width, mlpWidth, heads, keyHeads, headWidth }: DecoderConfig): number {
  return 2 * width + (3 * heads + 2 * keyHeads) * headWidth + 3 * mlpWidth;
}

export interface ForwardArgs {
  /** For RoPE, each below `Decoder.positions`. */
  positions: Tensor; // [axes, T] u32
  /** Row t sees these rows of the cache, half-open; ends past start + T count as start + T. */
  visible: Tensor; // [T, 2] u32
  cache: KvCache;
  /** Row of the cache that the first row becomes. */
  start: number;
  /** Attention of the layers, such as an `Inhibitor` of the sequence in the cache; plain by default. */
  attention?: LayerAttention | undefined;
}

interface LayerArgs extends Omit<ForwardArgs, "cache"> {
  rows: number;
  cache: Tensor; // [capacity, 2 Hk D]
  partials: DecodePartials | undefined;
}

export class Decoder {
  readonly config: DecoderConfig;
  /** Rows that go through at once, at most. */
  readonly chunkRows: number;
  /** Kind of each layer. */
  readonly layers: readonly { kind: "attention" }[];
  /** Number of RoPE positions, from 0. */
  readonly positions: number;
  /** Numbers that a row's position has: 1, or more with M-RoPE. */
  readonly axes: number;
  readonly #weights: Weights;
  readonly #space: Workspace;
  readonly #ropeTable: Tensor; // [positions, D]

  /** Takes its buffers from `arena`, which owns them. `positions`: RoPE positions that may occur, from 0. */
  constructor(
    gpu: Gpu,
    arena: Arena,
    weights: Weights,
    config: DecoderConfig,
    { chunkRows, positions }: { chunkRows: number; positions: number },
  ) {
    const { width, mlpWidth, heads, keyHeads, headWidth, ropeTheta, axisOfPair } = config;
    this.config = config;
    this.layers = Array.from({ length: config.layers }, () => ({ kind: "attention" }));
    this.chunkRows = chunkRows;
    this.positions = positions;
    this.axes = axesOf(axisOfPair);
    this.#weights = weights;
    this.#space = {
      hidden: arena.tensor("hidden", [chunkRows, width]),
      normed: arena.tensor("normed", [chunkRows, width]),
      qkv: arena.tensor("qkv", [chunkRows, (heads + 2 * keyHeads) * headWidth]),
      q: arena.tensor("q", [chunkRows, heads * headWidth]),
      attended: arena.tensor("attended", [chunkRows, heads * headWidth]),
      gateUp: arena.tensor("gate and up", [chunkRows, 2 * mlpWidth]),
      mlp: arena.tensor("mlp", [chunkRows, mlpWidth]),
    };
    this.#ropeTable = arena.tensor("RoPE table", [positions, headWidth]);
    gpu.upload(this.#ropeTable, ropeTable(positions, headWidth, ropeTheta));
  }

  /** The first `rows` rows of the chunk's hidden states, [rows, W]: what `embed` and `forward` work on. */
  hidden(rows: number): Tensor {
    return view(this.#space.hidden, [rows, this.config.width]);
  }

  /** Writes token embeddings into the hidden states; rows of `NO_TOKEN` are left for image tokens. @param ids [T] u32 */
  embed(recorder: Recorder, ids: Tensor): void {
    tokenEmbed(recorder, { ids, weight: this.#weights.matrix("decoder.embed"), y: this.hidden(ids.shape[0]!) });
  }

  /** Runs all layers on T rows of hidden states and appends their keys and values; the caller advances the cache. */
  forward(recorder: Recorder, { cache: { layers, partials }, ...args }: ForwardArgs): void {
    const rows = args.visible.shape[0]!;
    for (const [layer, cache] of layers.entries()) this.#layer(recorder, layer, { ...args, rows, cache, partials });
  }

  /**
   * Logits of rows of the hidden states, after `forward`.
   *
   * @param logits [rows, V], the caller's
   */
  logits(recorder: Recorder, hidden: Tensor, logits: Tensor): void {
    const { tiedHead } = this.config;
    const input = this.#normed(recorder, hidden, "decoder.norm.weight");
    const weight = this.#weights.matrix(tiedHead ? "decoder.embed" : "decoder.head");
    linear(recorder, { ...input, weight, y: logits });
  }

  /**
   * The RMS norm of rows, as input of `linear`. One row is normed inside the product that reads it, which saves a dispatch;
   * several rows get a dispatch of their own. So does one row on software adapters, where every load is expensive: a gated
   * product [9728, 896] took 57 ms with the norm inside and 29 without, the norm alone 0.5.
   */
  #normed(recorder: Recorder, x: Tensor, name: string): { x: Tensor; norm?: RowNorm } {
    const norm = { weight: this.#weights.get(name), eps: this.config.eps };
    if (x.shape[0] === 1 && !recorder.capabilities.software) return { x, norm };
    const y = view(this.#space.normed, x.shape);
    rmsNorm(recorder, { x, ...norm, y });
    return { x: y };
  }

  #layer(recorder: Recorder, layer: number, args: LayerArgs): void {
    const { rows, positions, visible, cache, partials, start, attention = plainAttention } = args;
    const { mlpWidth, heads, keyHeads, headWidth, axisOfPair } = this.config;
    const space = this.#space;
    const hidden = this.hidden(rows);
    const q = view(space.q, [rows, heads * headWidth]);
    const attended = view(space.attended, [rows, heads * headWidth]);
    const mlp = view(space.mlp, [rows, mlpWidth]);
    const name = `decoder.layers.${layer}`;
    const weight = (part: string) => this.#weights.matrix(`${name}.${part}.weight`);

    const input = this.#normed(recorder, hidden, `${name}.norm1.weight`);
    const bias = this.#weights.find(`${name}.qkv.bias`);
    const target = { q, cache, cacheRow: start, heads, keyHeads, headWidth };
    const turned = { positions, axisOfPair, table: this.#ropeTable, ...target };
    const qkvWeight = weight("qkv");
    // Kernels of one row need all of their weights in one buffer, here and below.
    if (rows === 1 && !isSplit(qkvWeight)) {
      qkv(recorder, { ...input, weight: qkvWeight, bias, ...turned });
    } else {
      const unturned = view(space.qkv, [rows, (heads + 2 * keyHeads) * headWidth]);
      linear(recorder, { ...input, weight: qkvWeight, bias, y: unturned });
      rope(recorder, { qkv: unturned, ...turned });
    }
    const cached = { tensor: cache, stride: 2 * keyHeads * headWidth };
    attention.record(recorder, layer, {
      q: { tensor: q, stride: heads * headWidth, offset: 0 },
      k: { ...cached, offset: 0 },
      v: { ...cached, offset: keyHeads * headWidth },
      visible,
      y: attended,
      rows,
      chunkRow: start,
      keys: start + rows,
      heads,
      keyHeads,
      headWidth,
      scale: 1 / Math.sqrt(headWidth),
      partials,
    });
    linear(recorder, { x: attended, weight: weight("out"), y: hidden, accumulate: true });

    const mlpInput = this.#normed(recorder, hidden, `${name}.norm2.weight`);
    const gateUpWeight = weight("gateUp");
    if (rows === 1 && !isSplit(gateUpWeight)) {
      gatedMatvec(recorder, { ...mlpInput, weight: gateUpWeight, y: mlp });
    } else {
      const gateUp = view(space.gateUp, [rows, 2 * mlpWidth]);
      linear(recorder, { ...mlpInput, weight: gateUpWeight, y: gateUp });
      siluGate(recorder, { gateUp, y: mlp });
    }
    linear(recorder, { x: mlp, weight: weight("down"), y: hidden, accumulate: true });
  }
}
