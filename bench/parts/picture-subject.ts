/** The measured vision-language model: a picture of several views, from pixel values on the GPU to the first token. */
import type { Compression } from "../../src/api.ts";
import { chunkRowsOf } from "../../src/engine/assemble.ts";
import { viewsInOrder } from "../../src/engine/read-views.ts";
import type { DescriptionFiles } from "../../src/families/registry.ts";
import { Sequence } from "../../src/generate/sequence.ts";
import { sequenceBuffers } from "../../src/generate/sequence-buffers.ts";
import { GREEDY } from "../../src/generate/token-choice.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { PlanningGpu } from "../../src/gpu/planning.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { WeightType } from "../../src/kernels/weights.ts";
import { Decoder } from "../../src/model/decoder/decoder.ts";
import { KvCache } from "../../src/model/decoder/kv-cache.ts";
import { promptRows } from "../../src/model/decoder/prompt-rows.ts";
import { batchViews, type ViewBatch } from "../../src/model/encoder/batches.ts";
import { promptPicture, rowsInPrompt } from "../../src/model/encoder/encoded-picture.ts";
import { PictureEncoder } from "../../src/model/encoder/picture-encoder.ts";
import { Weights } from "../../src/model/load/fill.ts";
import type { PlacedIds } from "../../src/model/picture-rows.ts";
import type { DecoderSpec, EncoderSpec, ModelSpec } from "../../src/spec/model-spec.ts";
import type { PicturePlan, PictureRun, PictureSpec } from "../../src/spec/picture-spec.ts";
import { describeModel } from "../../test/support/describe-model.ts";
import { DispatchCounter } from "./dispatch-counter.ts";
import { ownTensors, randomValues, randomWeights } from "./models.ts";

export type PictureModel = ModelSpec & { encoder: EncoderSpec; decoder: DecoderSpec; pictures: PictureSpec };

/** Tokens around the picture: "<|im_start|>User:", then the question, the end of the turn and "Assistant:". */
const TEXT_BEFORE = 3;
const TEXT_AFTER = 13;
/** Id of every text token: the cost does not depend on the text. */
const TEXT_ID = 1;

/** The blocks and layers of a model that run. */
export interface Depth {
  blocks: number;
  layers: number;
}

/** A model with this number of blocks and layers. */
export function modelOf(files: DescriptionFiles, { blocks, layers }: Depth): PictureModel {
  const config = files["config.json"] as { vision_config: object; text_config: object };
  const cut = {
    ...config,
    vision_config: { ...config.vision_config, num_hidden_layers: blocks },
    text_config: { ...config.text_config, num_hidden_layers: layers },
  };
  return describeModel({ ...files, "config.json": cut }) as PictureModel;
}

/** The prompt of a picture as ids. Each tag is one token, and so is each run of newlines. */
export function placePicture(runs: readonly PictureRun[]): PlacedIds {
  const ids = new Array<number>(TEXT_BEFORE).fill(TEXT_ID);
  const spans: { start: number; count: number }[] = [];
  for (const run of runs) {
    const count = "text" in run ? (run.text.match(/<[^>]+>|\n+/g)?.length ?? 0) : run.rows;
    if (!("text" in run)) spans.push({ start: ids.length, count });
    for (let i = 0; i < count; i++) ids.push(TEXT_ID);
  }
  for (let i = 0; i < TEXT_AFTER; i++) ids.push(TEXT_ID);
  return { ids, pictures: [spans] };
}

/** Milliseconds of one picture. */
export interface PictureTimes {
  /** Encoder and connector. */
  encodeMs: number;
  /** Prompt and choice of the first token. */
  promptMs: number;
}

export interface PictureWork {
  plan: PicturePlan;
  compression: Compression;
  /** The most views that are encoded together; default the engine's number. */
  atOnce?: number;
}

/** A vision-language model with random weights. All memory is the device's arena's. */
export class PictureSubject {
  readonly model: PictureModel;
  readonly #gpu: Gpu;
  readonly #weights: Weights;
  readonly #sequence: Sequence;
  readonly #pixels: Tensor; // [V, 3, S, S]

  /**
   * Creates random weights in the storage types for `weights`. Takes all memory from the device's arena.
   *
   * @param whole the model of full depth, whose decoder reads prompts in larger chunks
   * @param views the most views of a picture
   * @param capacity rows of the KV cache
   */
  constructor(
    gpu: Gpu,
    model: PictureModel,
    { whole, views, capacity, weights }: { whole: PictureModel; views: number; capacity: number; weights: WeightType },
  ) {
    this.model = model;
    this.#gpu = gpu;
    this.#weights = randomWeights(gpu, model, weights);
    const { decoder: spec } = model;
    const sizes = { chunkRows: chunkRowsOf(whole, capacity), positions: capacity };
    const cache = new KvCache(gpu.arena, spec, capacity);
    const decoder = new Decoder(gpu, gpu.arena, this.#weights, spec, sizes);
    const ids = Array.from({ length: spec.vocabularySize }, (_, id) => id);
    this.#sequence = new Sequence(gpu, decoder, cache, sequenceBuffers(gpu, decoder, ids));
    const side = model.encoder.positions.grid.rows * model.encoder.patch.side;
    this.#pixels = gpu.arena.tensor("pixels", [views, 3, side, side]);
    gpu.upload(this.#pixels, randomValues("pixels", views * 3 * side * side));
  }

  /** Compiles everything that `run` needs. */
  async compile(plan: PicturePlan): Promise<void> {
    const encoder = this.#encoder();
    await this.#gpu.compile((recorder) => {
      encoder.rehearse(recorder, plan);
      this.#sequence.rehearse(recorder);
    });
  }

  /** One picture, as the engine answers it, up to the first token. */
  async run(work: PictureWork): Promise<PictureTimes> {
    const { plan, compression } = work;
    const { decoder, pictures } = this.model;
    const encoder = this.#encoder();
    const start = performance.now();
    const batches = batchesOf(encoder, work);
    const pixels = batches.map((batch) => this.#pixelsOf(batch));
    const picture = await encoder.encode(this.#gpu, plan, batches, pixels, { compression });
    await this.#gpu.idle();
    const encoded = performance.now();
    const runs = pictures.runs(plan, rowsInPrompt(picture));
    const prompt = promptRows(placePicture(runs), [promptPicture(picture, viewsInOrder(runs))], decoder);
    await this.#sequence.prefill(prompt);
    await this.#sequence.step(GREEDY);
    const end = performance.now();
    picture.arena.dispose();
    return { encodeMs: encoded - start, promptMs: end - encoded };
  }

  /** Logits of the last `run`, from which its token was chosen. */
  logits(): Promise<Float32Array> {
    return readFloats(this.#gpu, this.#sequence.logits);
  }

  #encoder(): PictureEncoder {
    return new PictureEncoder(this.#gpu, this.#gpu.arena, this.#weights, this.model);
  }

  /** Views stand in order, so the pixels of a batch are a part of all. */
  #pixelsOf({ views }: ViewBatch): Tensor {
    const [, ...shape] = this.#pixels.shape;
    const viewBytes = 4 * shape.reduce((product, size) => product * size, 1);
    return { ...this.#pixels, shape: [views.length, ...shape], byteOffset: views[0]! * viewBytes };
  }
}

function batchesOf(encoder: PictureEncoder, { plan, compression, atOnce }: PictureWork): ViewBatch[] {
  if (atOnce === undefined) return encoder.batches(plan, compression);
  const grids = plan.views.map(({ grid }) => grid);
  return batchViews(plan.views, encoder.rows.planViews(compression, grids), () => atOnce);
}

/** Dispatches and peak memory of encoder and connector, counted without a device: pixels, working memory and results. */
export async function countEncoding(
  model: PictureModel,
  work: PictureWork,
  { device, capabilities }: Pick<Gpu, "device" | "capabilities">,
): Promise<{ batches: number; dispatches: number; bytes: number }> {
  const planning = new PlanningGpu(device.limits, capabilities);
  const weights = new Weights(planning.arena, ownTensors(model));
  const before = planning.arena.bytes;
  const encoder = new PictureEncoder(planning, planning.arena, weights, model);
  const batches = batchesOf(encoder, work);
  const pixels = batches.map(({ views }) => {
    const { width, height } = work.plan.views[views[0]!]!;
    return planning.arena.tensor("pixels", [views.length, 3, height, width]);
  });
  const counter = new DispatchCounter(capabilities);
  // The part of a device that encoding uses.
  const counting = {
    submit: (_label: string, body: (recorder: Recorder) => void) => body(counter),
    guardMemory: async <T>(_what: string, body: () => T) => body(),
    idle: async () => {},
  };
  const { plan, compression } = work;
  await encoder.encode(counting as unknown as Gpu, plan, batches, pixels, { compression });
  return { batches: batches.length, dispatches: counter.dispatches, bytes: planning.arena.peakBytes - before };
}
