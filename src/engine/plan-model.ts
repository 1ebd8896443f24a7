/** The cost of loading a model, before anything large is downloaded and without a GPU device. */
import type { LoadOptions, ModelFiles, ModelPlan } from "../api.ts";
import { adapterLimits, type BufferLimits } from "../gpu/limits.ts";
import { PlanningGpu } from "../gpu/planning.ts";
import type { KeyValueType } from "../model/decoder/kv-cache.ts";
import type { MatchedTensors } from "../model/load/match.ts";
import { resolveWeights, type Storage, storageName } from "../model/load/precision.ts";
import { matchCheckpoint } from "../model/load/untied.ts";
import { DEFAULTS_FILE } from "../shared/model-files.ts";
import { elementCount } from "../shared/shape.ts";
import { originalOf } from "../shared/small-copy.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { openModel } from "../weights/formats/registry.ts";
import { knownModel } from "../weights/published-model.ts";
import { storageReport } from "../weights/storage.ts";
import { surveyModel } from "../weights/survey.ts";
import {
  contextLengthOf,
  keptBytesOf,
  keyValueType,
  makePictures,
  makeText,
  makeTexts,
  makeWeights,
} from "./assemble.ts";
import { checkLoadOptions } from "./check-arguments.ts";
import { costliestPlan } from "./engine.ts";
import { fitOf, roomFor } from "./fit.ts";
import { fitPictures } from "./fit-pictures.ts";
import { languageFilesOf } from "./language.ts";
import { planProblems } from "./plan-problems.ts";
import { planVariants } from "./plan-variants.ts";
import { readModel } from "./read-model.ts";

/**
 * Plans the load of a model: the bytes to download, the bytes already stored, and the GPU memory. Reads its description
 * and the headers of its weights, a few kilobytes a file.
 *
 * @param source as for `Fovea.load`
 * @param options the options of the load. The GPU's limits are those of `device`, else of the adapter; without an
 * adapter there are none.
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
    variant,
    signal,
    maxContext,
    keptBytes,
    keyValues: wantedKeyValues,
    weights = "auto",
    device,
  } = {
    ...knownModel(originalOf(source) ?? source)?.defaults,
    ...options,
  };
  const survey = surveyModel(source, { cache, hubToken, hubUrl, modelsUrl, variant });
  const model = await openModel(survey.folder, {
    signal,
    room: () => roomFor({ ...(device && { device }), ...(cache && { cache }) }),
  });
  const { spec: described, files: descriptions } = await readModel(model.folder, { signal });
  const contextLength = contextLengthOf(described, maxContext);
  const beside = [DEFAULTS_FILE, ...languageFilesOf(described)];
  await Promise.all(beside.map((name) => survey.lookFor(name, { signal })));
  const checkpoint = await model.checkpoint(descriptions["config.json"] as Record<string, unknown>, { signal });
  const matched = await matchCheckpoint(described, checkpoint, { signal });

  const files = survey.files();
  const sum = (key: "bytes" | "storedBytes") => files.reduce((total, file) => total + file[key], 0);
  const limits = (device as GPUDevice | undefined)?.limits ?? (await adapterLimits());
  const format = resolveWeights(matched, weights, limits ?? { maxBufferSize: Number.POSITIVE_INFINITY });
  const spec = fitPictures(described, { matched, storage: format, contextLength, limits });
  const keyValues = keyValueType(wantedKeyValues, format, described.decoder, contextLength);
  const gpu = planMemory(spec, matched, { format, contextLength, keyValues, limits, keptBytes });
  const downloadBytes = sum("bytes") - sum("storedBytes");
  const { freeBytes: freeStorageBytes } = await storageReport();
  const bytesToStore = cache === "none" ? 0 : downloadBytes;
  return {
    source: survey.source,
    family: spec.family,
    parameters: matched.tensors.reduce((total, { shape }) => total + elementCount(shape), 0),
    files,
    totalBytes: sum("bytes"),
    storedBytes: sum("storedBytes"),
    downloadBytes,
    freeStorageBytes,
    weights: storageName(format),
    gpu,
    contextLength,
    fit: fitOf(gpu.totalBytes + gpu.pictureBytes, limits),
    ...(model.variants && { variants: await planVariants(model.variants, survey, limits, { signal }) }),
    problems: planProblems({ spec, contextLength, keyValues, limits, bytesToStore, freeStorageBytes }),
  };
}

/** GPU memory by part: the allocations of the load, and the working memory of the costliest picture. */
function planMemory(
  spec: ModelSpec,
  matched: MatchedTensors,
  {
    format,
    contextLength,
    keyValues,
    limits,
    keptBytes: wanted,
  }: {
    format: Storage;
    contextLength: number;
    keyValues: KeyValueType;
    limits: BufferLimits | undefined;
    keptBytes: number | undefined;
  },
): ModelPlan["gpu"] {
  const gpu = new PlanningGpu(limits);
  const paramsBytes = gpu.arena.bytes;
  const weights = makeWeights(gpu, matched, format);
  const weightBytes = gpu.arena.bytes - paramsBytes;
  const { decoder } = spec;
  const text = decoder && makeText(gpu, weights, { ...spec, decoder }, { contextLength, keyValues });
  const cacheBytes = text?.cacheBytes ?? 0;
  const pictures = makePictures(gpu, weights, spec);
  const totalBytes = gpu.arena.bytes;
  const pictureBytes = pictures ? pictures.planBytes(gpu.recorder, costliestPlan(spec)) : 0;
  const textBytes = planTextBytes(spec, matched, format, limits);
  const workingBytes = totalBytes - weightBytes - cacheBytes;
  const keptBytes = text ? (wanted ?? keptBytesOf(totalBytes, cacheBytes)) : 0;
  return { weightBytes, cacheBytes, workingBytes, totalBytes, pictureBytes, textBytes, keptBytes };
}

/** Uses a counting GPU of its own, because the peak of the other one includes a picture. */
function planTextBytes(
  spec: ModelSpec,
  matched: MatchedTensors,
  format: Storage,
  limits: BufferLimits | undefined,
): number {
  if (!spec.textEncoder) return 0;
  const gpu = new PlanningGpu(limits);
  return makeTexts(gpu, makeWeights(gpu, matched, format), spec)!.planBytes(gpu.recorder);
}
