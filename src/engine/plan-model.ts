/** What loading a model will take, told before anything large is downloaded and without a GPU. */
import type { LoadOptions, ModelFiles, ModelPlan } from "../api.ts";
import { FoveaError } from "../errors.ts";
import { type DecoderConfig, type ModelConfig, parseConfig, type VisionConfig } from "../model/config.ts";
import { matchTensors, weightSlots } from "../model/names.ts";
import { chooseWeights, weightBytes } from "../model/weight-types.ts";
import { elementCount } from "../shared/shape.ts";
import { openCheckpoint } from "../weights/checkpoint.ts";
import { knownModel } from "../weights/remote-model.ts";
import { storageReport } from "../weights/storage.ts";
import { surveyModel } from "../weights/survey.ts";
import { checkLoadOptions } from "./check-arguments.ts";
import { CHUNK_ROWS, contextLengthOf } from "./engine.ts";
import { LANGUAGE_FILES } from "./language.ts";

/**
 * Looks at a model: how much is to be downloaded, what of it is stored, and how much GPU memory it will take. Reads its
 * description and the headers of its weights, a few kilobytes a file.
 *
 * @param source As for `Fovea.load`.
 * @param options Those that the model will be loaded with; `device` tells what the GPU allows.
 * @throws FoveaError `download-failed`, `bad-weights`, `unsupported-model` or `aborted`; TypeError or RangeError for a
 * wrong argument.
 */
export async function planModel(source: string | URL | ModelFiles, options: LoadOptions = {}): Promise<ModelPlan> {
  checkLoadOptions(options);
  const { cache, hubToken, hubUrl, modelsUrl, signal, maxContext, weights, device } = {
    ...knownModel(source)?.defaults,
    ...options,
  };
  const survey = surveyModel(source, { cache, hubToken, hubUrl, modelsUrl });
  const json = await survey.folder.json("config.json", { signal });
  if (json === undefined)
    throw new FoveaError(
      "unsupported-model",
      `no config.json in ${survey.folder.location}: is this the folder of a model?`,
    );
  const config = parseConfig(json);
  const contextLength = contextLengthOf(config.decoder, maxContext);
  const beside = [...(config.vision ? ["preprocessor_config.json"] : []), ...(config.decoder ? LANGUAGE_FILES : [])];
  await Promise.all(beside.map((name) => survey.lookFor(name, { signal })));
  const checkpoint = await openCheckpoint(survey.folder, { signal });
  matchTensors(config, checkpoint.tensors);

  const files = survey.files();
  const sum = (key: "bytes" | "storedBytes") => files.reduce((total, file) => total + file[key], 0);
  const slots = weightSlots(config);
  const { maxBufferSize = Number.POSITIVE_INFINITY } = device?.limits ?? {};
  const format = weights === undefined || weights === "auto" ? chooseWeights(slots, { maxBufferSize }) : weights;
  const gpu = {
    weightBytes: weightBytes(slots, format),
    cacheBytes: config.decoder ? cacheBytes(config.decoder, contextLength) : 0,
    workingBytes: workingBytes(config, contextLength),
  };
  return {
    source: survey.source,
    modelType: config.modelType,
    parameters: slots.reduce((total, { shape }) => total + elementCount(shape), 0),
    files,
    totalBytes: sum("bytes"),
    storedBytes: sum("storedBytes"),
    downloadBytes: sum("bytes") - sum("storedBytes"),
    freeStorageBytes: (await storageReport()).freeBytes,
    gpu: { ...gpu, totalBytes: gpu.weightBytes + gpu.cacheBytes + gpu.workingBytes },
    contextLength,
  };
}

const FLOAT_BYTES = 4;

/** Keys and values of every layer. */
function cacheBytes({ layers, keyHeads, headWidth }: DecoderConfig, contextLength: number): number {
  return 2 * layers * contextLength * keyHeads * headWidth * FLOAT_BYTES;
}

/** About what is taken besides: the states of one chunk of a prompt and of one picture, tables, the logits. */
function workingBytes({ decoder, vision, projector }: ModelConfig, contextLength: number): number {
  const floats =
    (decoder ? decoderFloats(decoder, contextLength) : 0) +
    (vision ? visionFloats(vision) * 1.25 : 0) +
    (vision && projector ? patches(vision) * projector.width : 0);
  return Math.ceil(floats * FLOAT_BYTES);
}

function decoderFloats(config: DecoderConfig, contextLength: number): number {
  const { width, mlpWidth, heads, keyHeads, headWidth, vocabularySize, maxPositions } = config;
  const row = 2 * width + (3 * heads + 2 * keyHeads) * headWidth + 3 * mlpWidth;
  const table = Math.min(maxPositions, 2 * contextLength) * headWidth;
  return Math.min(CHUNK_ROWS, contextLength) * row + table + 1.1 * vocabularySize;
}

/** Also about what compression adds, which is why its caller takes a quarter more. */
function visionFloats(config: VisionConfig): number {
  const { width, mlpWidth, patchSize, heads, imageSize } = config;
  const row = 3 * patchSize ** 2 + 8 * width + mlpWidth + heads + patches(config) / 32;
  return patches(config) * row + 3 * imageSize ** 2;
}

function patches({ imageSize, patchSize }: VisionConfig): number {
  return Math.floor(imageSize / patchSize) ** 2;
}
