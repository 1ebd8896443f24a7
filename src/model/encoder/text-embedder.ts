/** Embeds texts, many at once on the GPU, by a transformer in which rows see the rows of their own text. */
import { throwIfAborted } from "../../errors.ts";
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import { readFloats } from "../../gpu/readback.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { linear } from "../../kernels/linear.ts";
import { mixRows } from "../../kernels/mix-rows.ts";
import { tokenEmbed } from "../../kernels/token-embed.ts";
import type { TextEncoderSpec } from "../../spec/model-spec.ts";
import type { Weights } from "../load/fill.ts";
import { Blocks } from "./blocks.ts";
import { batchTexts, packTexts, type TextBatch } from "./text-batches.ts";

/** The text tower of one model. Frees the memory of each batch. */
export class TextEmbedder {
  readonly spec: TextEncoderSpec;
  readonly #gpu: GpuMemory;
  readonly #arena: Arena;
  readonly #weights: Weights;
  readonly #blocks: Blocks;

  /** Takes the memory of each batch from scopes of `arena`. */
  constructor(gpu: GpuMemory, arena: Arena, weights: Weights, spec: TextEncoderSpec) {
    this.spec = spec;
    this.#gpu = gpu;
    this.#arena = arena;
    this.#weights = weights;
    this.#blocks = new Blocks(weights, "text", spec);
  }

  /** E */
  get width(): number {
    return this.spec.projection?.width ?? this.spec.width;
  }

  /**
   * Embeds texts in batches, and waits for the GPU between them.
   *
   * @param gpu the device that the weights are on
   * @param texts ids of each text, below the vocabulary's size; 1 to `maxTokens` of them
   * @returns [texts, E], before scaling to length 1
   * @throws FoveaError `out-of-memory`, `aborted`
   */
  async embed(gpu: Gpu, texts: readonly (readonly number[])[], signal?: AbortSignal): Promise<Float32Array> {
    const embeddings = new Float32Array(texts.length * this.width);
    let first = 0;
    for (const count of batchTexts(texts.map(({ length }) => length))) {
      throwIfAborted(signal, "the encoding of texts");
      const batch = packTexts(texts.slice(first, first + count), this.spec);
      embeddings.set(await this.#embedBatch(gpu, batch), first * this.width);
      first += count;
    }
    throwIfAborted(signal, "the encoding of texts");
    return embeddings;
  }

  /** Records all work for a text, to compile it ahead. */
  rehearse(recorder: Recorder): void {
    // Products of one row and of many rows have different kernels.
    for (const texts of [[[0, 0]], [[0], [0]]]) {
      const arena = this.#arena.scope();
      this.#record(recorder, packTexts(texts, this.spec), arena);
      arena.dispose();
    }
  }

  /** GPU bytes of the largest batch while it is embedded. Needs a counting GPU, whose peak is that of this call. */
  planBytes(recorder: Recorder): number {
    const before = this.#arena.bytes;
    const scratch = this.#arena.scope();
    const lengths = new Array<number>(MOST_TEXTS).fill(this.spec.maxTokens);
    const [count] = batchTexts(lengths);
    const texts = lengths.slice(0, count).map((length) => new Array<number>(length).fill(0));
    this.#record(recorder, packTexts(texts, this.spec), scratch);
    scratch.dispose();
    return this.#arena.peakBytes - before;
  }

  async #embedBatch(gpu: Gpu, batch: TextBatch): Promise<Float32Array> {
    const scratch = this.#arena.scope();
    try {
      let y!: Tensor;
      await gpu.guardMemory("the embeddings of texts", () =>
        gpu.submit("texts", (pass) => {
          y = this.#record(pass, batch, scratch);
        }),
      );
      return await readFloats(gpu, y);
    } finally {
      scratch.dispose();
    }
  }

  /** @returns [B, E] */
  #record(recorder: Recorder, batch: TextBatch, scratch: Arena): Tensor {
    const { width, blocks, projection } = this.spec;
    const rows = batch.ids.length;
    const texts = batch.pooled.length;
    const space = this.#blocks.workspace(scratch, rows);
    const hidden = scratch.tensor("text hidden", [rows, width]);
    const ids = this.#upload(scratch, "text ids", [rows], batch.ids);
    const visible = this.#upload(scratch, "rows that a row sees", [rows, 2], batch.visible);
    tokenEmbed(recorder, { ids, weight: this.#weights.matrix("text.embed"), y: hidden });
    const positions = this.#weights.get("text.positions");
    mixRows(recorder, { x: positions, ...this.#rows(scratch, batch.positions), y: hidden, accumulate: true });
    for (let block = 0; block < blocks; block++) {
      this.#blocks.attend(recorder, space, { block, hidden, visible });
      this.#blocks.mlp(recorder, space, block, hidden);
    }
    const pooled = scratch.tensor("pooled rows", [texts, width]);
    const normed = scratch.tensor("pooled rows, normed", [texts, width]);
    mixRows(recorder, { x: hidden, ...this.#rows(scratch, batch.pooled), y: pooled, accumulate: false });
    this.#blocks.norm(recorder, "text.norm", pooled, normed);
    if (!projection) return normed;
    const y = scratch.tensor("text embeddings", [texts, projection.width]);
    const bias = this.#weights.find("text.projection.bias");
    linear(recorder, { x: normed, weight: this.#weights.matrix("text.projection.weight"), bias, y });
    return y;
  }

  /** Selects single rows, as sums of one term. */
  #rows(scratch: Arena, rows: Uint32Array): { sources: Tensor; weights: Tensor } {
    const shape = [rows.length, 1] as const;
    const weights = scratch.tensor("weights of rows", shape);
    this.#gpu.upload(weights, new Float32Array(rows.length).fill(1));
    return { sources: this.#upload(scratch, "rows", shape, rows), weights };
  }

  #upload(scratch: Arena, name: string, shape: readonly number[], values: Uint32Array): Tensor {
    const tensor = scratch.tensor(name, shape, "u32");
    this.#gpu.upload(tensor, values);
    return tensor;
  }
}

/** More texts than a batch of the longest ones holds. */
const MOST_TEXTS = 1 << 10;
