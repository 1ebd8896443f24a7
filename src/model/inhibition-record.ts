/** What inhibition did with a prompt, copied off the GPU layer by layer: focus scores, masks and thresholds. */
import type { Inspection } from "../api.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import { readFloats, readTensor } from "../gpu/readback.ts";
import type { Cmai, InhibitedChunk } from "./cmai.ts";
import { thresholdOf } from "./inhibition.ts";

type LayerRecord = Inspection["layers"][number];

/** Watches a `Cmai` from its construction until `read`; one prompt, run from its first row. */
export class InhibitionRecord {
  readonly #gpu: Gpu;
  readonly #arena: Arena;
  readonly #cmai: Cmai;
  readonly #chunks: InhibitedChunk[] = [];

  /** Takes copies from `arena`, which owns them: per layer, 4 n + T / 8 bytes for each text row that sees an image. */
  constructor(gpu: Gpu, arena: Arena, cmai: Cmai) {
    this.#gpu = gpu;
    this.#arena = arena;
    this.#cmai = cmai;
    cmai.onChunk = (recorder, chunk) => this.#copy(recorder, chunk);
  }

  /**
   * Stops watching and returns every layer with a ratio above 0, in order.
   *
   * @param rows T, of the prompt
   */
  async read(rows: number): Promise<LayerRecord[]> {
    this.#cmai.onChunk = undefined;
    const layers = new Map<number, LayerRecord>();
    for (const [layer, ratio] of this.#cmai.plan.ratios.entries())
      if (ratio > 0) layers.set(layer, this.#emptyLayer(layer, ratio, rows));
    for (const chunk of this.#chunks) {
      const focus = await readFloats(this.#gpu, chunk.focus);
      const bits = (await readTensor(this.#gpu, chunk.inhibited)) as Uint32Array;
      this.#fill(layers.get(chunk.layer)!, chunk, focus, bits);
    }
    return [...layers.values()];
  }

  /** The tensors of a chunk are used again by the next layer. */
  #copy(recorder: Recorder, chunk: InhibitedChunk): void {
    const copies = {
      focus: this.#arena.tensor("focus record", chunk.focus.shape),
      inhibited: this.#arena.tensor("inhibited record", chunk.inhibited.shape, "u32"),
    };
    recorder.copy(chunk.focus, copies.focus);
    recorder.copy(chunk.inhibited, copies.inhibited);
    this.#chunks.push({ ...chunk, ...copies });
  }

  /** A layer in which no row sees an image. */
  #emptyLayer(layer: number, ratio: number, rows: number): LayerRecord {
    const { columnRows, ends } = this.#cmai.sight;
    const textRows = rows - columnRows.length;
    const thresholds = this.#cmai.plan.perImage ? ends.length : 1;
    return {
      layer,
      ratio,
      focus: { data: new Float32Array(textRows * columnRows.length), rows: textRows, cols: columnRows.length },
      inhibited: new Uint8Array(textRows * columnRows.length),
      threshold: { data: new Float32Array(textRows * thresholds).fill(Number.NaN), rows: textRows, cols: thresholds },
    };
  }

  #fill(record: LayerRecord, chunk: InhibitedChunk, focus: Float32Array, bits: Uint32Array): void {
    const { firstKey, viewerRows, columnRows, starts, ends } = this.#cmai.sight;
    const { perImage } = this.#cmai.plan;
    const [viewers, columns] = chunk.focus.shape as [number, number];
    const words = chunk.inhibited.shape[1]!;
    for (let i = 0; i < viewers; i++) {
      const viewer = chunk.firstViewer + i;
      // Every row in front of the first image is text.
      const textRow = firstKey + viewer;
      const scores = focus.subarray(i * columns, (i + 1) * columns);
      record.focus.data.set(scores, textRow * columns);
      const seen = starts[viewer + 1]! - starts[viewer]!;
      const firstWord = (viewerRows[viewer]! - chunk.chunkRow) * words;
      // The chunk's mask ends with its last row: later images are not in it.
      for (const [column, key] of columnRows.subarray(0, seen).entries())
        record.inhibited[textRow * columns + column] = (bits[firstWord + (key >>> 5)]! >>> (key & 31)) & 1;
      const { data, cols } = record.threshold;
      if (!perImage) data[textRow] = thresholdOf(scores.subarray(0, seen), record.ratio);
      else
        for (let image = 0; image < ends.length && ends[image]! <= seen; image++)
          data[textRow * cols + image] = thresholdOf(scores.subarray(ends[image - 1] ?? 0, ends[image]), record.ratio);
    }
  }
}
