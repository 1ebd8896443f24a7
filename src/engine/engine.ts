/** The parts of a loaded model, and their assembly from a folder. fovea.ts is the public class. */
import type { EmbeddingInfo, LoadOptions } from "../api.ts";
import { orAborted, throwIfAborted } from "../errors.ts";
import { Sequence } from "../generate/sequence.ts";
import { Gpu, requestDevice } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import { loadShadersFor } from "../kernels/software.ts";
import type { Decoder } from "../model/decoder/decoder.ts";
import type { KeyValueType } from "../model/decoder/kv-cache.ts";
import type { PictureEncoder } from "../model/encoder/picture-encoder.ts";
import { compilePreprocess } from "../model/encoder/preprocess.ts";
import type { TextEmbedder } from "../model/encoder/text-embedder.ts";
import { fillWeights, type Weights } from "../model/load/fill.ts";
import type { MatchedTensors } from "../model/load/match.ts";
import { resolveWeights, type Storage, storageName } from "../model/load/precision.ts";
import { matchCheckpoint } from "../model/load/untied.ts";
import type { ModelAbout } from "../shared/model-about.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { TextIds } from "../text/text-ids.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import type { ModelFolder } from "../weights/folder.ts";
import { openModel } from "../weights/formats/registry.ts";
import {
  contextLengthOf,
  keptBytesOf,
  keyValueType,
  longestRun,
  makePictures,
  makeText,
  makeTexts,
  makeWeights,
  type TextParts,
} from "./assemble.ts";
import { readComparison } from "./comparison.ts";
import { Conversation } from "./conversation.ts";
import { type RequestDefaults, readDefaults } from "./defaults.ts";
import { roomFor } from "./fit.ts";
import { fitPictures } from "./fit-pictures.ts";
import { ImageCache } from "./image-cache.ts";
import { type Language, loadLanguage, loadTextIds } from "./language.ts";
import type { LoadHooks } from "./load-from.ts";
import { readModel } from "./read-model.ts";
import { tune } from "./tuning.ts";
import { warnOfLanguage } from "./warnings.ts";

/** A decoder that is ready to run, and its one sequence. */
export interface TextModel {
  decoder: Decoder;
  sequence: Sequence;
  /** Rows that the next question may reuse. */
  conversation: Conversation;
  contextLength: number;
  /** Bytes of keys and values. */
  cacheBytes: number;
  /** Their storage. */
  keyValues: KeyValueType;
}

export interface Engine {
  gpu: Gpu;
  spec: ModelSpec;
  parameters: number;
  weights: Weights;
  /** Bytes of weights on the GPU. */
  weightBytes: number;
  /** Their storage type, as far as their shapes allow; see `storageName`. */
  weightType: string;
  /** Arithmetic of the products with many rows. */
  precision: "f32" | "f16";
  pictures: PictureEncoder | undefined;
  images: ImageCache;
  text: TextModel | undefined;
  /** Tokenizer and chat template, where the folder has them. */
  language: Language | undefined;
  /** Embeds texts; `textIds` tokenizes them if the folder has a tokenizer. */
  texts: TextEmbedder | undefined;
  textIds: TextIds | undefined;
  comparison: EmbeddingInfo["comparison"];
  /** Compression and inhibition of requests that leave them out. */
  defaults: RequestDefaults;
  about: ModelAbout | undefined;
  warnings: readonly string[];
  /** Resolves when all pipelines are compiled; tasks wait for it. Rejects as `Fovea.load`. */
  compiled: Promise<void>;
  /** True once `compiled` has resolved. */
  isCompiled: boolean;
}

/** Loads a folder. Frees everything if it throws; see `Fovea.load` for the errors. */
export async function loadEngine(folder: ModelFolder, options: LoadOptions, hooks: LoadHooks = {}): Promise<Engine> {
  const { signal } = options;
  throwIfAborted(signal, "loading");
  hooks.onStage?.("config");
  // The device is requested while files are read, which takes as long. Nothing is allocated on it before the headers of
  // the weights are checked.
  const own = options.device ? undefined : requestDevice();
  own?.catch(() => {});
  let gpu: Gpu | undefined;
  try {
    const model = await openModel(folder, { signal, room: () => roomFor(options) });
    const { spec, files } = await readModel(model.folder, { signal });
    const contextLength = contextLengthOf(spec, options.maxContext);
    const readHeaders = async () => {
      const checkpoint = await model.checkpoint(files["config.json"] as Record<string, unknown>, { signal });
      return { checkpoint, matched: await matchCheckpoint(spec, checkpoint, { signal }) };
    };
    const prepare = async (read: Pick<Prepared, "checkpoint" | "matched">) => {
      gpu = await Gpu.open(options.device as GPUDevice | undefined, own);
      await loadShadersFor(gpu.capabilities);
      throwIfAborted(signal, "opening of the GPU");
      return prepareEngine(gpu, { spec, contextLength, ...read, options, warnings: hooks.warnings ?? [] });
    };
    const reading = readHeaders();
    // A container's tokenizer takes as long as many pipelines, which compile in another process at the same time. A
    // plain folder's tokenizer is parsed first: nothing is allocated for a model with invalid small files.
    const isMade = model.folder !== folder;
    const early = isMade ? reading.then(prepare) : undefined;
    const before = early?.catch(() => {});
    const [language, textIds, defaults, headers] = await inTurn(
      loadLanguage(model.folder, spec, files, { signal, before, isMade }),
      loadTextIds(model.folder, spec, signal),
      readDefaults(model.folder, spec, hooks.requestDefaults, { signal, warn: hooks.warn }),
      reading,
      early ?? Promise.resolve(),
    );
    for (const note of [...model.notes, ...(headers.checkpoint.notes ?? [])]) hooks.warn?.(note);
    warnOfLanguage(spec, language, hooks.warn ?? (() => {}));
    if (spec.textEncoder && !textIds) hooks.warn?.("The model has no tokenizer.json, so it cannot embed texts.");
    const prepared = await (early ?? prepare(headers));
    const engine = Object.assign(prepared.engine, { language, textIds, defaults, about: hooks.about });
    engine.text?.sequence.choice.allow(generatedIds(engine.spec, language));
    return await fill({ ...prepared, engine, options, hooks });
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

/**
 * Runs tasks in parallel, but reports errors as if they ran in sequence. It reports after all of them have ended,
 * because a folder is closed after an error.
 */
async function inTurn<T extends unknown[]>(...tasks: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

interface Assembly {
  spec: ModelSpec;
  contextLength: number;
  checkpoint: Checkpoint;
  matched: MatchedTensors;
  options: LoadOptions;
  warnings: readonly string[];
}

/** The parts of an engine that do not depend on the tokenizer. */
type PreparedEngine = Omit<Engine, "language" | "textIds" | "defaults" | "about">;

/** An engine whose memory is allocated. */
interface Prepared {
  engine: PreparedEngine;
  checkpoint: Checkpoint;
  matched: MatchedTensors;
  storage: Storage;
  rehearse: (recorder: Recorder) => void;
  compileAll(): Promise<void>;
  /** The compilation, if it has begun. */
  early: Promise<void> | undefined;
}

/** Allocates everything, and begins to compile. */
async function prepareEngine(gpu: Gpu, assembly: Assembly): Promise<Prepared> {
  const { contextLength, checkpoint, matched, options, warnings } = assembly;
  const { weights: wanted = "auto", precision: arithmetic = "auto", compile = "wait", signal } = options;
  const { arena } = gpu;
  const { limits } = gpu.device;
  const storage = resolveWeights(matched, wanted, limits);
  const spec = fitPictures(assembly.spec, { matched, storage, contextLength, limits });
  const keyValues = keyValueType(options.keyValues, storage, spec.decoder, contextLength);
  const precision = await tune(gpu, arithmetic, storage);
  throwIfAborted(signal, "opening of the GPU");
  const weights = await gpu.guardMemory("the weights", () => makeWeights(gpu, matched, storage));
  const weightBytes = arena.bytes - gpu.params.buffer.size;
  const engine = await gpu.guardMemory("the model's working memory", (): PreparedEngine => {
    const { decoder } = spec;
    const text =
      decoder &&
      textModel(gpu, makeText(gpu, weights, { ...spec, decoder }, { contextLength, keyValues }), contextLength);
    return {
      ...{
        gpu,
        spec,
        parameters: weights.parameters,
        weights,
        weightBytes,
        weightType: storageName(storage),
        precision,
      },
      pictures: makePictures(gpu, weights, spec),
      text,
      texts: makeTexts(gpu, weights, spec),
      comparison: undefined,
      images: new ImageCache(),
      warnings,
      compiled: Promise.resolve(),
      isCompiled: false,
    };
  });
  engine.text?.conversation.allow(options.keptBytes ?? keptBytesOf(arena.bytes, engine.text.cacheBytes));
  const rehearse = (recorder: Recorder) => {
    engine.pictures?.rehearse(recorder, costliestPlan(spec), smallestPlan(spec));
    const seesPictures = spec.pictures !== undefined && !spec.decoder?.beside;
    engine.text?.sequence.rehearse(recorder, seesPictures, spec.decoder?.beside && longestRun(spec));
    engine.texts?.rehearse(recorder);
  };
  const compileAll = async () => {
    await Promise.all([gpu.compile(rehearse), engine.pictures && compilePreprocess(gpu)]);
  };
  // Pipelines compile after the download by default, because compiling slows it. Early compiling helps a second visit:
  // the shipped model's page was ready after 1.9 to 2.8 s instead of 3.2 to 3.9 (software adapter).
  const early = compile === "wait" ? compileAll() : undefined;
  // The error is reported below; until then it must not count as unhandled.
  early?.catch(() => {});
  return { engine, checkpoint, matched, storage, rehearse, compileAll, early };
}

/** Fills the weights, while the pipelines compile. */
async function fill({
  engine,
  checkpoint,
  matched,
  storage,
  rehearse,
  compileAll,
  early,
  options,
  hooks,
}: Omit<Prepared, "engine"> & { engine: Engine; options: LoadOptions; hooks: LoadHooks }): Promise<Engine> {
  const { compile = "wait", signal } = options;
  const { gpu, weights, spec } = engine;
  hooks.onStage?.("weights");
  const widened = await fillWeights(gpu, gpu.arena, weights, matched.parts, checkpoint, { signal });
  if (widened.length > 0)
    hooks.warn?.(
      `${widened.length} tensors are stored in a wider type than ${storageName(storage)}, because their values do not fit it.`,
    );
  engine.comparison = await readComparison(gpu, weights, spec);
  hooks.onStage?.("compile");
  // Widened weights are read by other kernels, which are compiled here.
  engine.compiled = (early ?? compileAll()).then(() =>
    early && widened.length > 0 ? gpu.compile(rehearse) : undefined,
  );
  engine.compiled.then(
    () => {
      engine.isCompiled = true;
    },
    () => {},
  );
  if (compile === "wait") await orAborted(engine.compiled, signal, "compiling");
  hooks.onStage?.("ready");
  return engine;
}

function textModel(gpu: Gpu, { decoder, cache, buffers, cacheBytes }: TextParts, contextLength: number): TextModel {
  const sequence = new Sequence(gpu, decoder, cache, buffers);
  const conversation = new Conversation(gpu, { decoder, sequence, cache, contextLength });
  return { decoder, sequence, conversation, contextLength, cacheBytes, keyValues: cache.type };
}

/** The plan of the costliest picture under the default budget. */
export function costliestPlan({ pictures }: ModelSpec) {
  const { width, height } = pictures!.largest;
  return pictures!.plan(width, height, {});
}

/** The plan of a picture of one pixel, which may have a single row: products of one row use different kernels. */
export function smallestPlan({ pictures }: ModelSpec) {
  return pictures!.plan(1, 1, {});
}

/** Ids that may be generated: not the image placeholder, and no id unknown to the tokenizer. */
function* generatedIds({ decoder, imageTokenId }: ModelSpec, language: Language | undefined): Iterable<number> {
  for (let id = 0; id < (decoder?.vocabularySize ?? 0); id++)
    if (id !== imageTokenId && (language?.tokenizer.hasId(id) ?? true)) yield id;
}
