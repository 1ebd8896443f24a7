/** The measured decoder: prompts and single tokens, from ids in CPU memory to the last row's logits in CPU memory. */

import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { type Tensor, view } from "../../src/gpu/tensor.ts";
import { copyRows } from "../../src/kernels/copy-rows.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import { Decoder } from "../../src/model/decoder/decoder.ts";
import { KvCache, layerCacheBytes } from "../../src/model/decoder/kv-cache.ts";
import { causalRanges } from "../../src/model/decoder/visible.ts";
import type { Inhibitor } from "../../src/model/inhibition/inhibitor.ts";
import { weightBytes } from "../../src/model/load/precision.ts";
import type { DecoderSpec } from "../../src/spec/model-spec.ts";
import { describeModel } from "../../test/support/describe-model.ts";
import { LLAMA_20M, ownTensors, randomWeights } from "./models.ts";

export interface DecoderOptions {
  /** Its config.json; default the Llama of 20 M parameters. */
  json?: object;
  weights?: WeightType;
  /** Rows of the cache, and of a prompt. */
  capacity: number;
}

/** A decoder with random weights, its cache and its workspace. All memory is the device's arena's. */
export class DecoderSubject {
  readonly spec: DecoderSpec;
  readonly decoder: Decoder;
  readonly cache: KvCache;
  /** The fewest bytes that a token reads: all weights except those looked up by row. */
  readonly weightBytes: number;
  readonly #gpu: Gpu;
  readonly #ids: Tensor; // [capacity] u32
  readonly #positions: Tensor; // [1, capacity] u32
  /** Key ranges of the recorded rows, by their number and the place of the first. */
  readonly #visible = new Map<string, Tensor>();
  readonly #last: Tensor; // [1, W]
  readonly #logits: Tensor; // [1, V]

  /** Creates random weights in the storage types for `weights`. */
  constructor(gpu: Gpu, { json = LLAMA_20M, weights: wanted = "q4", capacity }: DecoderOptions) {
    const model = describeModel({ "config.json": json });
    this.spec = model.decoder!;
    this.#gpu = gpu;
    const { arena } = gpu;
    const weights = randomWeights(gpu, model, wanted);
    this.decoder = new Decoder(gpu, arena, weights, this.spec, { chunkRows: capacity, positions: capacity });
    this.cache = new KvCache(arena, this.spec, capacity);
    this.#ids = arena.tensor("ids", [capacity], "u32");
    this.#positions = arena.tensor("positions", [1, capacity], "u32");
    this.#last = arena.tensor("last row", [1, this.spec.width]);
    this.#logits = arena.tensor("logits", [1, this.spec.vocabularySize]);
    const { tensors, aliases } = ownTensors(model);
    const isTied = aliases.has("decoder.head");
    this.weightBytes = weightBytes(
      tensors.filter(({ use }) => use !== "embedding" || isTied),
      wanted,
    );
  }

  /** The rows of a prompt, or one token after `start` rows of the cache. */
  record(recorder: Recorder, rows: number, start: number, inhibitor?: Inhibitor): void {
    this.decoder.embed(recorder, view(this.#ids, [rows]));
    const positions = view(this.#positions, [1, rows]);
    const visible = this.#visibleOf(rows, start);
    this.decoder.forward(recorder, { positions, visible: [visible], cache: this.cache, start, attention: inhibitor });
    this.#recordLogits(recorder, rows);
  }

  /** Logits of the last of these rows, which follow `start` rows of the cache. */
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

/** Bytes that one token after `rows` rows reads: weights, keys and values. */
export function tokenBytes({ spec, weightBytes }: DecoderSubject, rows: number): number {
  return weightBytes + rows * layerCacheBytes(spec, 1).reduce((sum, bytes) => sum + bytes, 0);
}
