/**
 * Cross-modality attention inhibition (CMAI, paper eqs. 9-11) in the decoder's layers, for one sequence with images.
 * The attention of the text rows so far decides which image tokens each text row ignores. Layers share working buffers.
 * Each layer keeps the attention of its text rows to the image tokens. Two other files compute the inputs: plan.ts
 * ratios and ranks, index-tables.ts visible columns.
 */
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import { type Tensor, view } from "../../gpu/tensor.ts";
import { attention } from "../../kernels/attention.ts";
import { attentionLogits, LOGITS_SPLIT_KEYS } from "../../kernels/attention-logits.ts";
import { focusScores } from "../../kernels/focus.ts";
import { headMean } from "../../kernels/head-mean.ts";
import { inhibit } from "../../kernels/inhibit.ts";
import { rowMean } from "../../kernels/row-mean.ts";
import { ceilDiv } from "../../shared/assert.ts";
import { type AttendArgs, attend, type LayerAttention } from "../decoder/layer-attention.ts";
import { type Columns, firstFrom, type IndexTables, type TextChunk, textChunk } from "./index-tables.ts";
import type { InhibitionPlan } from "./plan.ts";
import {
  type DecoderSizes,
  type InhibitedLayer,
  type InhibitedSequence,
  type InhibitionState,
  makeState,
} from "./state.ts";

type ChunkArgs = Omit<AttendArgs, "inhibited">;

/** Results of a chunk in a layer, for an observer: valid until the next layer is recorded. */
export interface InhibitedChunk {
  layer: number;
  /** Sequence row of the chunk's row 0. */
  chunkRow: number;
  /** Number of the text row that row 0 of `focus` is. */
  firstTextRow: number;
  focus: Tensor; // [text rows of the chunk, n]
  inhibited: Tensor; // [T, ceil(S / 32)] u32, bit s % 32 of word s / 32
}

/** Inhibition of one sequence. Owns its memory. */
export class Inhibitor implements LayerAttention {
  readonly plan: InhibitionPlan;
  readonly #gpu: Gpu;
  readonly #parent: Arena;
  readonly #decoder: DecoderSizes;
  readonly #watch: boolean;
  #state: InhibitionState;
  /** Called with every chunk of every layer that inhibits or is watched, as it is recorded. */
  onChunk: ((recorder: Recorder, chunk: InhibitedChunk) => void) | undefined;

  /**
   * Takes its buffers from a scope of `arena` until `dispose`.
   *
   * @param watch compute the focus also in layers that inhibit nothing, for `onChunk`
   * @throws FoveaError `out-of-memory` if one buffer is larger than the device allows
   */
  constructor(
    gpu: Gpu,
    arena: Arena,
    decoder: DecoderSizes,
    plan: InhibitionPlan,
    { watch = false, ...sequence }: InhibitedSequence & { watch?: boolean },
  ) {
    this.plan = plan;
    this.#watch = watch;
    this.#gpu = gpu;
    this.#parent = arena;
    this.#decoder = decoder;
    this.#state = makeState(gpu, arena, decoder, plan, { ...sequence, watch });
  }

  /**
   * A minimal inhibitor that records every kernel variant of inhibition: for a chunk of row 1 and for one of rows 1 and
   * 2.
   */
  static forRehearsal(gpu: Gpu, decoder: DecoderSizes): Inhibitor {
    const ratios = decoder.spec.layers.map(() => 1);
    const plan: InhibitionPlan = { ratios, weighting: "neighbours", literal: false, perImage: false };
    const visible = Uint32Array.of(0, 1, 0, 2, 0, 3);
    return new Inhibitor(gpu, gpu.arena, decoder, plan, { images: [[{ row: 0, tokens: 1 }]], visible: () => visible });
  }

  /** The image tokens. */
  get columns(): Columns {
    return this.#state.columns;
  }

  /** Tables of a layer; undefined for one that neither inhibits nor is watched. */
  tables(layer: number): IndexTables | undefined {
    return this.#state.layers[layer]?.mask.tables;
  }

  /**
   * Makes room for another sequence that begins with rows of this one, and keeps the attention of those rows to the
   * images.
   *
   * @param sequence all of it; rows that stay keep their images and their ranges
   * @throws as the constructor; then it can only be disposed of
   */
  extend(sequence: InhibitedSequence): void {
    const before = this.#state;
    try {
      const watch = this.#watch;
      this.#state = makeState(this.#gpu, this.#parent, this.#decoder, this.plan, { ...sequence, watch });
      this.adopt(before.layers.map((layer) => layer?.imageAttention));
    } finally {
      before.arena.dispose();
    }
  }

  /**
   * The attention of the first `rows` rows to the images: the start of each layer's packed list, which the inhibitor
   * still owns. Undefined for a layer without a list, or for rows that see no image.
   */
  paid(rows: number): (Tensor | undefined)[] {
    return this.#state.layers.map((layer) => {
      if (!layer) return undefined;
      const { textRows, listLength } = layer.mask.tables;
      const length = textRows[firstFrom(textRows, rows)]?.start ?? listLength;
      return length > 0 ? view(layer.imageAttention, [length]) : undefined;
    });
  }

  /** Adopts the attention of rows at the beginning of this sequence: `paid` of an inhibitor with the same plan. */
  adopt(paid: readonly (Tensor | undefined)[]): void {
    this.#gpu.submit("inhibition", (pass) => {
      for (const [layer, list] of paid.entries()) {
        const target = this.#state.layers[layer]?.imageAttention;
        // Kept rows have the same places in both. Later rows are written before they are read.
        if (list && target) pass.copy(view(list, [Math.min(list.shape[0]!, target.shape[0]!)]), target);
      }
    });
  }

  /** Frees all memory. Safe to call twice. */
  dispose(): void {
    this.#state.arena.dispose();
  }

  /**
   * Attends, and inhibits where the layer's ratio and the rows require it. An uninhibited pass covers the rows from the
   * first text row that sees an image token (for one row, its logits alone). Three small dispatches turn it into a
   * mask, and a pass over all rows applies the mask. A of the whole chunk precedes its focus, so rows may see later
   * rows.
   */
  record(recorder: Recorder, layer: number, args: ChunkArgs): void {
    const inhibited = this.#recordMask(recorder, layer, args);
    attend(recorder, inhibited ? { ...args, inhibited } : args);
  }

  /** Records the mask of a chunk, [T, ceil(S / 32)]; undefined if the layer or the chunk is not inhibited. */
  #recordMask(recorder: Recorder, layer: number, args: ChunkArgs): Tensor | undefined {
    const inhibitedLayer = this.#state.layers[layer];
    const { chunkRow, rows, keys } = args;
    const chunk = inhibitedLayer && textChunk(inhibitedLayer.mask.tables, chunkRow, keys);
    if (!chunk) return undefined;
    const { space, tables } = this.#state;
    const { firstTextRow, count } = chunk;
    const { imageAttention, mask } = inhibitedLayer;
    const { slots, textRows } = mask;
    const neighbours = view(space.neighbours, [count, firstTextRow + count]);
    this.#recordMeans(recorder, args, { ...chunk, ...inhibitedLayer, neighbours });
    const focus = view(space.focus, [count, tables.columnRows.shape[0]!]);
    const weights = tables.powers ? { powers: tables.powers } : { neighbours };
    focusScores(recorder, { ...weights, imageAttention, textRows, focus, firstTextRow });
    const inhibited = view(space.inhibited, [rows, ceilDiv(keys, 32)]);
    const { perImage } = this.plan;
    inhibit(recorder, { ...tables, focus, slots, textRows, inhibited, layer, firstTextRow, chunkRow, perImage });
    this.onChunk?.(recorder, { layer, chunkRow, firstTextRow, focus, inhibited });
    return inhibited;
  }

  /** Records A of a chunk's text rows, from an uninhibited pass: into `neighbours` and the layer's packed list. */
  #recordMeans(
    recorder: Recorder,
    args: ChunkArgs,
    { mask, imageAttention, neighbours, firstTextRow, firstKey }: TextChunk & InhibitedLayer & { neighbours: Tensor },
  ): void {
    const { chunkRow, rows, keys, heads } = args;
    const { space } = this.#state;
    const { literal } = this.plan;
    const { slots, textRows, tables } = mask;
    const means = { slots, textRows, neighbours, imageAttention, firstKey, literal };
    if (rows === 1) {
      const logits = view(space.logits, [heads, keys]);
      const sums = view(space.sums, [ceilDiv(keys, LOGITS_SPLIT_KEYS), heads]);
      attentionLogits(recorder, { ...args, logits, sums });
      rowMean(recorder, { ...means, logits, sums, textRow: firstTextRow });
      return;
    }
    const logSumExp = view(space.logSumExp, [rows, heads]);
    const firstRow = tables.textRows[firstTextRow]!.row - chunkRow;
    // The pass with the mask overwrites this output.
    if (!literal) attention(recorder, { ...args, logSumExp, firstRow });
    headMean(recorder, { ...args, ...means, logSumExp, firstTextRow });
  }
}
