/**
 * The decoder: layers of RMSNorm, RoPE, grouped-query attention and a SiLU gate over a KV cache. Prompts go through in
 * chunks of rows, generated tokens one row at a time. prompt-rows.ts makes prompts; kernels/sample.ts chooses tokens.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import type { DecodePartials } from "../../kernels/attention-decode.ts";
import { linear } from "../../kernels/linear.ts";
import { rmsNorm } from "../../kernels/rms-norm.ts";
import { axesOf } from "../../kernels/rope.ts";
import { tokenEmbed } from "../../kernels/token-embed.ts";
import type { DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";
import type { KvCache } from "./kv-cache.ts";
import { type LayerAttention, plainAttention } from "./layer-attention.ts";
import { gatedProduct, type ProductInput, qkvRope } from "./layer-products.ts";
import { RopeTable } from "./rope-table.ts";

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

/** Elements that a row of a chunk takes in each buffer of the workspace: what the widest layer needs. */
function workspaceWidths({ width, layers }: DecoderSpec): Record<keyof Workspace, number> {
  const most = (size: (layer: LayerSpec) => number) => Math.max(...layers.map(size));
  const heads = most(({ attention }) => attention.heads * attention.headWidth);
  const mlp = most((layer) => layer.mlp.width);
  return {
    hidden: width,
    normed: width,
    qkv: most(({ attention: { heads, keyHeads, headWidth } }) => (heads + 2 * keyHeads) * headWidth),
    q: heads,
    attended: heads,
    gateUp: 2 * mlp,
    mlp,
  };
}

/** Elements that a row of a chunk takes in the workspace. */
export function rowElements(spec: DecoderSpec): number {
  return Object.values(workspaceWidths(spec)).reduce((sum, width) => sum + width, 0);
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
  readonly spec: DecoderSpec;
  /** Rows that go through at once, at most. */
  readonly chunkRows: number;
  /** Number of RoPE positions, from 0. */
  readonly positions: number;
  /** Numbers that a row's position has: 1, or more with M-RoPE. */
  readonly axes: number;
  /** To be fitted to each prompt before it runs. */
  readonly rope: RopeTable;
  readonly #weights: Weights;
  readonly #space: Workspace;

  /** Takes its buffers from `arena`, which owns them. `positions`: RoPE positions that may occur, from 0. */
  constructor(
    gpu: Pick<GpuMemory, "upload">,
    arena: Arena,
    weights: Weights,
    spec: DecoderSpec,
    { chunkRows, positions }: { chunkRows: number; positions: number },
  ) {
    this.spec = spec;
    this.chunkRows = chunkRows;
    this.positions = positions;
    this.axes = axesOf(spec.rope.axisOfPair);
    this.#weights = weights;
    const widths = workspaceWidths(spec);
    const buffer = (name: keyof Workspace) => arena.tensor(name, [chunkRows, widths[name]]);
    this.#space = {
      hidden: buffer("hidden"),
      normed: buffer("normed"),
      qkv: buffer("qkv"),
      q: buffer("q"),
      attended: buffer("attended"),
      gateUp: buffer("gateUp"),
      mlp: buffer("mlp"),
    };
    this.rope = new RopeTable(gpu, arena, spec.rope, positions);
  }

  /** The first `rows` rows of the chunk's hidden states, [rows, W]: what `embed` and `forward` work on. */
  hidden(rows: number): Tensor {
    return view(this.#space.hidden, [rows, this.spec.width]);
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
    const input = this.#normed(recorder, hidden, "decoder.norm.weight");
    linear(recorder, { ...input, weight: this.#weights.matrix("decoder.head"), y: logits });
  }

  /**
   * The RMS norm of rows, as input of `linear`. One row is normed inside the product that reads it, which saves a dispatch;
   * several rows get a dispatch of their own. So does one row on software adapters, where every load is expensive: a gated
   * product [9728, 896] took 57 ms with the norm inside and 29 without, the norm alone 0.5.
   */
  #normed(recorder: Recorder, x: Tensor, name: string): ProductInput {
    const norm = { weight: this.#weights.get(name), eps: this.spec.eps };
    if (x.shape[0] === 1 && !recorder.capabilities.software) return { x, norm };
    const y = view(this.#space.normed, x.shape);
    rmsNorm(recorder, { x, ...norm, y });
    return { x: y };
  }

  #layer(recorder: Recorder, layer: number, args: LayerArgs): void {
    this.#attend(recorder, layer, args);
    const space = this.#space;
    const { rows } = args;
    const { width } = this.spec.layers[layer]!.mlp;
    const name = `decoder.layers.${layer}`;
    const hidden = this.hidden(rows);
    const mlp = view(space.mlp, [rows, width]);
    gatedProduct(recorder, {
      input: this.#normed(recorder, hidden, `${name}.norm2.weight`),
      weight: this.#weights.matrix(`${name}.gateUp.weight`),
      y: mlp,
      scratch: view(space.gateUp, [rows, 2 * width]),
    });
    linear(recorder, { x: mlp, weight: this.#weights.matrix(`${name}.down.weight`), y: hidden, accumulate: true });
  }

  /** Adds attention to the hidden states. */
  #attend(recorder: Recorder, layer: number, args: LayerArgs): void {
    const { rows, positions, visible, cache, partials, start, attention = plainAttention } = args;
    const { heads, keyHeads, headWidth } = this.spec.layers[layer]!.attention;
    const space = this.#space;
    const name = `decoder.layers.${layer}`;
    const hidden = this.hidden(rows);
    const q = view(space.q, [rows, heads * headWidth]);
    const y = view(space.attended, [rows, heads * headWidth]);
    qkvRope(recorder, {
      input: this.#normed(recorder, hidden, `${name}.norm1.weight`),
      weight: this.#weights.matrix(`${name}.qkv.weight`),
      bias: this.#weights.find(`${name}.qkv.bias`),
      scratch: view(space.qkv, [rows, (heads + 2 * keyHeads) * headWidth]),
      positions,
      axisOfPair: this.spec.rope.axisOfPair,
      table: this.rope.tensor,
      q,
      cache,
      cacheRow: start,
      heads,
      keyHeads,
      headWidth,
    });
    const cached = { tensor: cache, stride: 2 * keyHeads * headWidth };
    attention.record(recorder, layer, {
      q: { tensor: q, stride: heads * headWidth, offset: 0 },
      k: { ...cached, offset: 0 },
      v: { ...cached, offset: keyHeads * headWidth },
      visible,
      y,
      rows,
      chunkRow: start,
      keys: start + rows,
      heads,
      keyHeads,
      headWidth,
      scale: 1 / Math.sqrt(headWidth),
      partials,
    });
    linear(recorder, { x: y, weight: this.#weights.matrix(`${name}.out.weight`), y: hidden, accumulate: true });
  }
}
