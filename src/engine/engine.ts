/** The parts of a loaded model, and how they are put together from a folder. The public door is fovea.ts. */
import type { LoadOptions, LoadProgress } from "../api.ts";
import { orAborted, throwIfAborted } from "../errors.ts";
import { Gpu, requestDevice } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Preprocessing } from "../image/geometry.ts";
import type { WeightType } from "../kernels/weights.ts";
import type { DecoderConfig, ModelConfig } from "../model/config.ts";
import { Decoder, rowElements } from "../model/decoder.ts";
import { KvCache } from "../model/kv-cache.ts";
import { fillWeights, Weights } from "../model/load.ts";
import { matchTensors, weightSlots } from "../model/names.ts";
import { compilePreprocess } from "../model/preprocess.ts";
import { parsePreprocessorConfig } from "../model/preprocessor-config.ts";
import { Sequence } from "../model/sequence.ts";
import { resolveWeights } from "../model/weight-types.ts";
import { checkInteger } from "../shared/assert.ts";
import { type Checkpoint, openCheckpoint } from "../weights/checkpoint.ts";
import type { ModelFolder } from "../weights/folder.ts";
import { Conversation } from "./conversation.ts";
import { ImageCache } from "./image-cache.ts";
import { type Language, loadLanguage } from "./language.ts";
import { readConfig } from "./read-config.ts";
import { tune } from "./tuning.ts";
import { VisionModel } from "./vision-model.ts";

/** Positions of the KV cache unless the caller says otherwise: several pictures and turns, without filling a GPU. */
const DEFAULT_CONTEXT = 4096;
/** Prompt rows that go through the decoder at once, at most: enough to fill a GPU, few enough to cancel between. */
const MAX_CHUNK_ROWS = 512;
/** And at least: a picture and a question go through a small model in one piece. */
const MIN_CHUNK_ROWS = 128;

/** A decoder that is ready to run, and its one sequence. */
export interface TextModel {
  decoder: Decoder;
  sequence: Sequence;
  /** What of it the next question may begin with. */
  conversation: Conversation;
  contextLength: number;
}

export interface Engine {
  gpu: Gpu;
  config: ModelConfig;
  parameters: number;
  /** Bytes of weights on the GPU. */
  weightBytes: number;
  /** How they are kept there, as far as their shapes allow. */
  weightType: WeightType;
  /** Arithmetic of the products with many rows. */
  precision: "f32" | "f16";
  vision: VisionModel | undefined;
  images: ImageCache;
  preprocessing: Preprocessing | undefined;
  text: TextModel | undefined;
  /** Tokenizer and chat template, where the folder has them. */
  language: Language | undefined;
  /** Settles when all pipelines are compiled, which a task waits for; rejects as `Fovea.load` throws. */
  compiled: Promise<void>;
}

type OnStage = (stage: LoadProgress["stage"]) => void;

/**
 * Loads a folder. Frees everything that it took if it throws; see `Fovea.load` for the errors.
 *
 * @param onStage told of each stage as it begins; how many bytes have come the folder itself counts
 */
export async function loadEngine(
  folder: ModelFolder,
  options: LoadOptions,
  onStage: OnStage = () => {},
): Promise<Engine> {
  const { signal } = options;
  throwIfAborted(signal, "loading");
  onStage("config");
  // Asked for beside the reading of files, which takes as long. Nothing is allocated on it before they make sense.
  const own = options.device ? undefined : requestDevice();
  own?.catch(() => {});
  let gpu: Gpu | undefined;
  try {
    const { config, json } = await readConfig(folder, { signal });
    const contextLength = contextLengthOf(config.decoder, options.maxContext);
    const [language, preprocessing, checkpoint] = await inTurn(
      loadLanguage(folder, config, json, signal),
      readPreprocessing(folder, config, signal),
      openCheckpoint(folder, { signal }),
    );
    const parts = matchTensors(config, checkpoint.tensors);
    gpu = await Gpu.open(options.device, own);
    throwIfAborted(signal, "opening of the GPU");
    const { weights: wanted = "auto", precision = "auto", compile = "wait" } = options;
    const model = { config, contextLength, language, preprocessing, checkpoint, parts, wanted, precision, compile };
    return await assemble(gpu, { ...model, signal, onStage });
  } catch (error) {
    const reason = gpu ? await gpu.explain(error) : error;
    if (gpu) gpu.dispose();
    else
      void own?.then(
        (device) => device.destroy(),
        () => {},
      );
    throw reason;
  }
}

async function readPreprocessing(
  folder: ModelFolder,
  config: ModelConfig,
  signal: AbortSignal | undefined,
): Promise<Preprocessing | undefined> {
  return config.vision && parsePreprocessorConfig(await folder.json("preprocessor_config.json", { signal }), config);
}

/**
 * What all of these give. They run at once, but errors are told as if they ran in turn, and only when none of them runs any
 * more: a folder is closed behind an error.
 */
async function inTurn<T extends unknown[]>(...tasks: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

interface Assembly {
  config: ModelConfig;
  contextLength: number;
  language: Language | undefined;
  preprocessing: Preprocessing | undefined;
  checkpoint: Checkpoint;
  parts: ReturnType<typeof matchTensors>;
  wanted: WeightType | "auto";
  precision: "auto" | "f32" | "f16";
  compile: "wait" | "background";
  signal: AbortSignal | undefined;
  onStage: OnStage;
}

/** Allocates everything, then fills the weights while the pipelines compile. */
async function assemble(gpu: Gpu, assembly: Assembly): Promise<Engine> {
  const { config, contextLength, language, preprocessing, checkpoint, parts, wanted, compile } = assembly;
  const { signal, onStage } = assembly;
  const { arena } = gpu;
  const slots = weightSlots(config);
  const weightType = resolveWeights(slots, wanted, gpu.device.limits);
  const precision = await tune(gpu, assembly.precision, weightType);
  throwIfAborted(signal, "opening of the GPU");
  const weights = await gpu.guardMemory("the weights", () => new Weights(arena, slots, weightType));
  const weightBytes = arena.bytes - gpu.params.buffer.size;
  const engine = await gpu.guardMemory("the model's working memory", (): Engine => {
    const vision = config.vision && new VisionModel(gpu, arena, weights, { ...config, vision: config.vision });
    const text =
      config.decoder && textModel(gpu, weights, config.decoder, contextLength, generatedIds(config, language));
    return {
      ...{ gpu, config, parameters: weights.parameters, weightBytes, weightType, precision },
      ...{ vision, preprocessing, text, language },
      images: new ImageCache(),
      compiled: Promise.resolve(),
    };
  });
  const rehearse = (recorder: Recorder) => {
    engine.vision?.rehearse(recorder);
    engine.text?.sequence.rehearse(recorder);
  };
  const compileAll = async () => {
    await Promise.all([gpu.compile(rehearse), engine.vision && compilePreprocess(gpu)]);
  };
  // Beside the download, or behind it, not to slow it: the page of the shipped model was ready on a second visit after 1.9 to
  // 2.8 s instead of 3.2 to 3.9 (software adapter, busy machine).
  const early = compile === "wait" ? compileAll() : undefined;
  // Its error is reported below; until then it must not count as unhandled.
  early?.catch(() => {});
  onStage("weights");
  const widened = await fillWeights(gpu, arena, weights, parts, checkpoint, { signal });
  onStage("compile");
  // Weights that were to be packed are read by other kernels now.
  engine.compiled = (early ?? compileAll()).then(() =>
    early && widened.length > 0 ? gpu.compile(rehearse) : undefined,
  );
  engine.compiled.catch(() => {});
  if (compile === "wait") await orAborted(engine.compiled, signal, "compiling");
  onStage("ready");
  return engine;
}

/** Positions of the cache. Throws RangeError for more than the model knows. */
export function contextLengthOf(decoder: DecoderConfig | undefined, maxContext: number | undefined): number {
  if (!decoder) return 0;
  if (maxContext === undefined) return Math.min(decoder.maxPositions, DEFAULT_CONTEXT);
  return checkInteger("maxContext", maxContext, 1, decoder.maxPositions);
}

/** Prompt rows that go through the decoder at once: in small models so few that their states stay small beside the weights. */
export function chunkRowsOf(decoder: DecoderConfig, contextLength: number): number {
  const { layers, width, heads, keyHeads, headWidth, mlpWidth } = decoder;
  const layerElements = width * (2 * (heads + keyHeads) * headWidth + 3 * mlpWidth);
  const rows = Math.floor((0.1 * layers * layerElements) / rowElements(decoder));
  return Math.min(contextLength, MAX_CHUNK_ROWS, Math.max(MIN_CHUNK_ROWS, rows));
}

/** Ids that may be generated: never the image placeholder, nor one that the tokenizer does not have. */
function* generatedIds({ decoder, imageTokenId }: ModelConfig, language: Language | undefined): Iterable<number> {
  for (let id = 0; id < (decoder?.vocabularySize ?? 0); id++)
    if (id !== imageTokenId && (language?.tokenizer.hasId(id) ?? true)) yield id;
}

function textModel(
  gpu: Gpu,
  weights: Weights,
  config: DecoderConfig,
  contextLength: number,
  ids: Iterable<number>,
): TextModel {
  // Twice as many positions as rows: with original positions an image spans its whole grid, whatever is left of it.
  const positions = Math.min(config.maxPositions, 2 * contextLength);
  const sizes = { chunkRows: chunkRowsOf(config, contextLength), positions };
  // The cache first: a context that is too large fails by it, before the RoPE table of as many positions is worked out.
  const cache = new KvCache(gpu.arena, config, contextLength);
  const decoder = new Decoder(gpu, gpu.arena, weights, config, sizes);
  const sequence = new Sequence(gpu, gpu.arena, decoder, cache, ids);
  return { decoder, sequence, conversation: new Conversation(gpu, decoder, sequence, contextLength), contextLength };
}
