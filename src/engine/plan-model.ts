/** What loading a model will take, told before anything large is downloaded and without a GPU device. */
import type { LoadOptions, ModelFiles, ModelPlan } from "../api.ts";
import { adapterLimits } from "../gpu/limits.ts";
import type { DecoderConfig, ModelConfig, VisionConfig } from "../model/config.ts";
import { rowElements } from "../model/decoder.ts";
import { layerCacheBytes } from "../model/kv-cache.ts";
import { matchTensors, weightSlots } from "../model/names.ts";
import { patchCount } from "../model/vision.ts";
import { resolveWeights, weightBytes } from "../model/weight-types.ts";
import { elementCount } from "../shared/shape.ts";
import { openCheckpoint } from "../weights/checkpoint.ts";
import { knownModel } from "../weights/remote-model.ts";
import { storageReport } from "../weights/storage.ts";
import { surveyModel } from "../weights/survey.ts";
import { checkLoadOptions } from "./check-arguments.ts";
import { chunkRowsOf, contextLengthOf } from "./engine.ts";
import { LANGUAGE_FILES } from "./language.ts";
import { planProblems } from "./plan-problems.ts";
import { readConfig } from "./read-config.ts";

/**
 * Looks at a model: how much is to be downloaded, what of it is stored, and how much GPU memory it will take. Reads its
 * description and the headers of its weights, a few kilobytes a file.
 *
 * @param source As for `Fovea.load`.
 * @param options Those that the model will be loaded with; `device` tells what the GPU allows, without one the adapter is
 * asked, and without an adapter everything is taken to be allowed.
 * @throws FoveaError `download-failed`, `bad-weights`, `unsupported-model` or `aborted`; TypeError or RangeError for a
 * wrong argument.
 */
export async function planModel(source: string | URL | ModelFiles, options: LoadOptions = {}): Promise<ModelPlan> {
  checkLoadOptions(options);
  const {
    cache,
    hubToken,
    hubUrl,
    modelsUrl,
    signal,
    maxContext,
    weights = "auto",
    device,
  } = {
    ...knownModel(source)?.defaults,
    ...options,
  };
  const survey = surveyModel(source, { cache, hubToken, hubUrl, modelsUrl });
  const { config } = await readConfig(survey.folder, { signal });
  const contextLength = contextLengthOf(config.decoder, maxContext);
  const beside = [...(config.vision ? ["preprocessor_config.json"] : []), ...(config.decoder ? LANGUAGE_FILES : [])];
  await Promise.all(beside.map((name) => survey.lookFor(name, { signal })));
  const checkpoint = await openCheckpoint(survey.folder, { signal });
  matchTensors(config, checkpoint.tensors);

  const files = survey.files();
  const sum = (key: "bytes" | "storedBytes") => files.reduce((total, file) => total + file[key], 0);
  const slots = weightSlots(config);
  const limits = device?.limits ?? (await adapterLimits());
  const format = resolveWeights(slots, weights, limits ?? { maxBufferSize: Number.POSITIVE_INFINITY });
  const gpu = {
    weightBytes: weightBytes(slots, format),
    cacheBytes: config.decoder ? config.decoder.layers * layerCacheBytes(config.decoder, contextLength) : 0,
    workingBytes: workingBytes(config, contextLength),
  };
  const downloadBytes = sum("bytes") - sum("storedBytes");
  const { freeBytes: freeStorageBytes } = await storageReport();
  const bytesToStore = cache === "none" ? 0 : downloadBytes;
  return {
    source: survey.source,
    modelType: config.modelType,
    parameters: slots.reduce((total, { shape }) => total + elementCount(shape), 0),
    files,
    totalBytes: sum("bytes"),
    storedBytes: sum("storedBytes"),
    downloadBytes,
    freeStorageBytes,
    weights: format,
    gpu: { ...gpu, totalBytes: gpu.weightBytes + gpu.cacheBytes + gpu.workingBytes },
    contextLength,
    problems: planProblems({ config, contextLength, limits, bytesToStore, freeStorageBytes }),
  };
}

const FLOAT_BYTES = 4;

/** About what is taken besides: the states of one chunk of a prompt and of one picture, tables, the logits. */
function workingBytes({ decoder, vision, projector }: ModelConfig, contextLength: number): number {
  const floats =
    (decoder ? decoderFloats(decoder, contextLength) : 0) +
    (vision ? visionFloats(vision) * 1.25 : 0) +
    (vision && projector ? patchCount(vision) * projector.width : 0);
  return Math.ceil(floats * FLOAT_BYTES);
}

function decoderFloats(config: DecoderConfig, contextLength: number): number {
  const { headWidth, vocabularySize, maxPositions } = config;
  const table = Math.min(maxPositions, 2 * contextLength) * headWidth;
  return chunkRowsOf(config, contextLength) * rowElements(config) + table + 1.1 * vocabularySize;
}

/** Also about what compression adds, which is why its caller takes a quarter more. */
function visionFloats(config: VisionConfig): number {
  const { width, mlpWidth, patchSize, heads, imageSize } = config;
  const row = 3 * patchSize ** 2 + 8 * width + mlpWidth + heads + patchCount(config) / 32;
  return patchCount(config) * row + 3 * imageSize ** 2;
}
