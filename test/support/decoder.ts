/** Decoders on the GPU for tests, golden ones and random ones, beside the weights that the reference runs on. */

import { Sequence } from "../../src/generate/sequence.ts";
import { sequenceBuffers } from "../../src/generate/sequence-buffers.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { type Tensor, view } from "../../src/gpu/tensor.ts";
import { copyRows } from "../../src/kernels/copy-rows.ts";
import { NO_TOKEN } from "../../src/kernels/token-embed.ts";
import { Decoder } from "../../src/model/decoder/decoder.ts";
import { KvCache } from "../../src/model/decoder/kv-cache.ts";
import type { LayerAttention } from "../../src/model/decoder/layer-attention.ts";
import { type PromptRows, type PromptRun, positionsOf } from "../../src/model/decoder/prompt-rows.ts";
import { causalRanges, windowRanges } from "../../src/model/decoder/visible.ts";
import { loadPartsFor } from "../../src/model/late-parts.ts";
import { Weights } from "../../src/model/load/fill.ts";
import type { DecoderSpec, ModelSpec } from "../../src/spec/model-spec.ts";
import type { RopeSpec } from "../../src/spec/rope-spec.ts";
import type { Prompt as ReferencePrompt } from "../reference/model/decoder.ts";
import type { TextConfig } from "../reference/model/settings.ts";
import { canonicalName, type Weights as ReferenceWeights, tensorData } from "../reference/model/weights.ts";
import { describeModel } from "./describe-model.ts";
import type { Random } from "./random.ts";

/** Rows that one run may have, and that the cache holds. */
const CAPACITY = 128;

/** config.json of a small decoder, with the sizes of a golden one, so that their pipelines serve both. */
export const SMALL_CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  max_position_embeddings: 512,
  tie_word_embeddings: true,
  hidden_size: 96,
  intermediate_size: 192,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  vocab_size: 50,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
};

/** A decoder with a cache, run in chunks of any size. All memory is the device's. */
export class TestDecoder {
  readonly decoder: Decoder;
  readonly cache: KvCache;
  readonly sequence: Sequence;
  readonly #gpu: Gpu;
  readonly #ids: Tensor;
  readonly #positions: Tensor;
  readonly #visible: readonly Tensor[];
  readonly #logits: Tensor;

  /** Compiles everything ahead, by what the sequence rehearses. */
  static async make(
    gpu: Gpu,
    weights: Weights,
    { decoder: spec, imageTokenId }: { [K in "decoder" | "imageTokenId"]?: ModelSpec[K] | undefined },
    capacity = CAPACITY,
  ): Promise<TestDecoder> {
    await loadPartsFor({ decoder: spec!, connector: [] });
    const allowed = Array.from({ length: spec!.vocabularySize }, (_, id) => id).filter((id) => id !== imageTokenId);
    const made = new TestDecoder(gpu, weights, spec!, allowed, capacity);
    await gpu.compile((recorder) => {
      made.sequence.rehearse(recorder);
      for (const rows of [1, 2]) made.decoder.logits(recorder, made.decoder.hidden(rows), made.#rowsOf(rows));
    });
    return made;
  }

  private constructor(gpu: Gpu, weights: Weights, spec: DecoderSpec, allowed: number[], capacity: number) {
    this.#gpu = gpu;
    this.decoder = new Decoder(gpu, gpu.arena, weights, spec, { chunkRows: capacity, positions: 2 * capacity });
    this.cache = new KvCache(gpu.arena, spec, capacity);
    this.sequence = new Sequence(gpu, this.decoder, this.cache, sequenceBuffers(gpu, this.decoder, allowed));
    this.#ids = gpu.arena.tensor("ids", [capacity], "u32");
    this.#positions = gpu.arena.tensor("positions", [this.decoder.axes, capacity], "u32");
    this.#visible = this.decoder.windows.map(() => gpu.arena.tensor("visible", [capacity, 2], "u32"));
    this.#logits = gpu.arena.tensor("all logits", [capacity, spec.vocabularySize]);
  }

  /** Runs rows `first` to `end` of a prompt as one chunk, after `first` rows in the cache. Logits [end - first, V]. */
  async runChunk(prompt: PromptRows, first: number, end: number, attention?: LayerAttention): Promise<Float32Array> {
    const { ids, visible, pictures } = prompt;
    const rows = end - first;
    const logits = this.#rowsOf(rows);
    this.cache.truncate(first);
    this.#gpu.upload(this.#ids, ids.subarray(first, end));
    this.#gpu.upload(this.#positions, positionsOf(prompt, first, end));
    for (const [i, window] of this.decoder.windows.entries())
      this.#gpu.upload(this.#visible[i]!, windowRanges(visible.subarray(2 * first, 2 * end), window, { start: first }));
    this.#gpu.submit("chunk", (pass) => {
      this.decoder.embed(pass, view(this.#ids, [rows]));
      for (const run of pictures.flat()) {
        const begin = Math.max(run.row, first);
        const count = Math.min(run.row + run.count, end) - begin;
        const place = { xRow: run.first + begin - run.row, yRow: begin - first, rows: count };
        if (count > 0) copyRows(pass, { x: run.tensor, y: this.decoder.hidden(rows), ...place });
      }
      this.decoder.forward(pass, {
        positions: view(this.#positions, [this.decoder.axes, rows]),
        visible: this.#visible.map((ranges) => view(ranges, [rows, 2])),
        cache: this.cache,
        start: first,
        attention,
      });
      this.decoder.logits(pass, this.decoder.hidden(rows), logits);
    });
    this.cache.advance(rows);
    return readFloats(this.#gpu, logits);
  }

  /** Runs a whole prompt in chunks that end where `ends` says, and at its last row. Logits [T, V]. */
  async run(prompt: PromptRows, ends: readonly number[], attention?: LayerAttention): Promise<Float32Array> {
    const logits: number[] = [];
    let first = 0;
    for (const end of [...ends, prompt.ids.length]) {
      logits.push(...(await this.runChunk(prompt, first, end, attention)));
      first = end;
    }
    return Float32Array.from(logits);
  }

  #rowsOf(rows: number): Tensor {
    return view(this.#logits, [rows, this.decoder.spec.vocabularySize]);
  }
}

/** A decoder with the reference's weights. @param json of config.json; `rope` replaces fields of the RoPE that it gives */
export async function decoderOf(
  gpu: Gpu,
  json: unknown,
  values: ReferenceWeights,
  rope: Partial<RopeSpec> = {},
): Promise<TestDecoder> {
  const { decoder, imageTokenId, tensors } = describeModel({ "config.json": json });
  const own = tensors.filter(({ name, parts }) => name.startsWith("decoder.") && parts.length > 0);
  const aliases = tensors.flatMap(({ name, parts, instead }) =>
    instead && parts.length === 0 ? [[name, instead] as const] : [],
  );
  const weights = new Weights(gpu.arena, { tensors: own, aliases: new Map(aliases) });
  for (const { name, parts } of own) {
    const rows = parts.flatMap(({ names }) => [...tensorData(values, canonicalName(names[0]!))]);
    gpu.upload(weights.get(name), Float32Array.from(rows));
  }
  return TestDecoder.make(gpu, weights, {
    decoder: { ...decoder!, rope: { ...decoder!.rope, ...rope } },
    imageTokenId,
  });
}

/** Random weights of a Llama, norms of ones; `scaleOf` may enlarge the values of a tensor. */
export function randomWeights(
  random: Random,
  json: TextConfig,
  scaleOf: (name: string) => number = () => 1,
): ReferenceWeights {
  const weights: ReferenceWeights = new Map();
  for (const { parts } of describeModel({ "config.json": json }).tensors)
    for (const { names, shape } of parts) {
      const name = canonicalName(names[0]!);
      const size = shape.reduce((product, dimension) => product * dimension, 1);
      const values = random.floats(size, scaleOf(name) / Math.sqrt(shape.at(-1)!));
      weights.set(name, { shape: [...shape], data: Float64Array.from(shape.length === 1 ? values.fill(1) : values) });
    }
  return weights;
}

/** The prompt of these rows: ids of text, and tokens of images. */
export function promptOf(parts: readonly (readonly number[] | Tensor)[]): PromptRows {
  const ids: number[] = [];
  const pictures: PromptRun[][] = [];
  for (const part of parts) {
    if (!("buffer" in part)) {
      ids.push(...part);
      continue;
    }
    const count = part.shape[0]!;
    pictures.push([{ tensor: part, first: 0, count, row: ids.length, position: ids.length }]);
    ids.push(...new Array<number>(count).fill(NO_TOKEN));
  }
  const positions = Uint32Array.from(ids, (_, row) => row);
  const visible = causalRanges(ids.length);
  return { ids: Uint32Array.from(ids), positions, visible, pictures, nextPosition: ids.length };
}

/** The same rows for the product and for the reference; a number of random image tokens stands for an image. */
export function randomPrompt(
  gpu: Gpu,
  random: Random,
  parts: readonly (readonly number[] | { image: number })[],
  width: number,
  weights: ReferenceWeights,
): { prompt: PromptRows; reference: ReferencePrompt } {
  const table = tensorData(weights, "text.embed_tokens.weight");
  const embeddings: number[] = [];
  const prompt = promptOf(
    parts.map((part) => {
      if (!("image" in part)) {
        for (const id of part) embeddings.push(...table.subarray(id * width, (id + 1) * width));
        return part;
      }
      const tokens = gpu.arena.tensor("image tokens", [part.image, width]);
      const values = random.floats(part.image * width);
      gpu.upload(tokens, values);
      embeddings.push(...values);
      return tokens;
    }),
  );
  const reference: ReferencePrompt = {
    embeddings: Float64Array.from(embeddings),
    positions: [...prompt.positions],
    nextPosition: prompt.nextPosition,
    images: prompt.pictures.map((runs) =>
      runs.flatMap(({ row, count }) => Array.from({ length: count }, (_, i) => row + i)),
    ),
  };
  return { prompt, reference };
}
