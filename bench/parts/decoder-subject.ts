/** The decoder as it is measured: prompts and single tokens, from ids on this side to the last row's logits on this side. */
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { type Tensor, tensorByteLength, view } from "../../src/gpu/tensor.ts";
import { copyRows } from "../../src/kernels/copy-rows.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import { type DecoderConfig, parseConfig } from "../../src/model/config.ts";
import { Decoder } from "../../src/model/decoder.ts";
import type { Inhibitor } from "../../src/model/inhibition/inhibitor.ts";
import { KvCache } from "../../src/model/kv-cache.ts";
import { weightSlots } from "../../src/model/names.ts";
import { causalRanges } from "../../src/model/visible.ts";
import { weightType } from "../../src/model/weight-types.ts";
import { elementCount } from "../../src/shared/shape.ts";
import { LLAMA_20M, randomWeights } from "./models.ts";

export interface DecoderOptions {
  /** Its config.json; default the Llama of 20 M parameters. */
  json?: object;
  weights?: WeightType;
  /** Rows of the cache, and of a prompt. */
  capacity: number;
}

export class DecoderSubject {
  readonly config: DecoderConfig;
  readonly decoder: Decoder;
  readonly cache: KvCache;
  /** Bytes that every token reads at least: all weights but the table of embeddings. */
  readonly weightBytes: number;
  /** Weights that every token is multiplied with, those of the head aside. */
  readonly layerParameters: number;
  readonly #gpu: Gpu;
  readonly #ids: Tensor;
  readonly #positions: Tensor;
  /** Key ranges of the rows that were recorded, by their number and the first one's place. */
  readonly #visible = new Map<string, Tensor>();
  readonly #last: Tensor;
  readonly #logits: Tensor;

  /** Random weights in the format that `weights` leads to. */
  constructor(gpu: Gpu, { json = LLAMA_20M, weights: wanted = "q4", capacity }: DecoderOptions) {
    const config = parseConfig(json);
    this.config = config.decoder!;
    this.#gpu = gpu;
    const { arena } = gpu;
    const weights = randomWeights(gpu, { ...config, vision: undefined, projector: undefined } as never, wanted);
    this.decoder = new Decoder(gpu, arena, weights, this.config, { chunkRows: capacity, positions: capacity });
    this.cache = new KvCache(arena, this.config, capacity);
    this.#ids = arena.tensor("ids", [capacity], "u32");
    this.#positions = arena.tensor("positions", [1, capacity], "u32");
    this.#last = arena.tensor("last row", [1, this.config.width]);
    this.#logits = arena.tensor("logits", [1, this.config.vocabularySize]);
    const slots = weightSlots(config).filter(({ name }) => name.startsWith("decoder."));
    const read = slots.filter(({ name }) => name !== "decoder.embed" || this.config.tiedHead);
    this.weightBytes = read.reduce(
      (sum, slot) => sum + tensorByteLength({ shape: slot.shape, type: weightType(slot, wanted) }),
      0,
    );
    this.layerParameters = slots
      .filter(({ name }) => name.startsWith("decoder.layers."))
      .reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }

  /** The rows of a prompt, or one token behind `start` rows of the cache. */
  record(recorder: Recorder, rows: number, start: number, inhibitor?: Inhibitor): void {
    this.decoder.embed(recorder, view(this.#ids, [rows]));
    const positions = view(this.#positions, [1, rows]);
    const visible = this.#visibleOf(rows, start);
    this.decoder.forward(recorder, { positions, visible, cache: this.cache, start, attention: inhibitor });
    this.#recordLogits(recorder, rows);
  }

  /** Logits of the last of these rows, which stand behind `start` rows of the cache. */
  async run(ids: Uint32Array, start: number): Promise<Float32Array> {
    this.#gpu.upload(this.#ids, ids);
    this.#gpu.upload(
      this.#positions,
      Uint32Array.from(ids, (_, row) => start + row),
    );
    this.#gpu.submit("decoder", (pass) => this.record(pass, ids.length, start));
    return readFloats(this.#gpu, this.#logits);
  }

  #visibleOf(rows: number, start: number): Tensor {
    const key = `${rows} rows from ${start}`;
    const known = this.#visible.get(key);
    if (known) return known;
    const visible = this.#gpu.arena.tensor("visible", [rows, 2], "u32");
    this.#gpu.upload(visible, causalRanges(rows, start));
    this.#visible.set(key, visible);
    return visible;
  }

  #recordLogits(recorder: Recorder, rows: number): void {
    const hidden = this.decoder.hidden(rows);
    copyRows(recorder, { x: hidden, y: this.#last, xRow: rows - 1, yRow: 0, rows: 1 });
    this.decoder.logits(recorder, this.#last, this.#logits);
  }
}

/** Multiplications and additions of a prompt: products of all layers, attention, and the head once. */
export function prefillFlops({ config, layerParameters }: DecoderSubject, rows: number): number {
  const attention = config.layers * 2 * rows * ((rows + 1) / 2) * config.heads * config.headWidth;
  return 2 * (rows * layerParameters + attention + config.vocabularySize * config.width);
}

/** Bytes that one token behind `rows` rows reads: weights, keys and values. */
export function tokenBytes({ config, weightBytes }: DecoderSubject, rows: number): number {
  return weightBytes + config.layers * rows * 2 * config.keyHeads * config.headWidth * 4;
}
