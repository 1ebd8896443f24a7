/** True if a model's memory fits a device: a guess, since no browser tells a GPU's memory. */
import type { LoadOptions } from "../api.ts";
import { adapterLimits, type BufferLimits } from "../gpu/limits.ts";
import type { ModelFit } from "../shared/load-report.ts";
import type { Room } from "../weights/formats/format.ts";
import { storageReport } from "../weights/storage.ts";

/**
 * Most bytes that are taken to fit, in largest buffers: browsers tell the largest buffer of a device and not its memory, of
 * which that is a quarter to a half on most.
 */
const MOST_BUFFERS = 2;

/** Undefined without a device. */
export function fitOf(bytes: number, limits: Pick<BufferLimits, "maxBufferSize"> | undefined): ModelFit | undefined {
  if (!limits) return undefined;
  const most = mostWeightBytes(limits);
  return bytes <= most / 2 ? "fits" : bytes <= most ? "tight" : "too-large";
}

/** Bytes of weights that are taken to fit. */
export function mostWeightBytes(limits: Pick<BufferLimits, "maxBufferSize"> | undefined): number {
  return MOST_BUFFERS * (limits?.maxBufferSize ?? Number.POSITIVE_INFINITY);
}

/** How much fits the device of a load and the storage of this page, for a choice among quantisations. */
export async function roomFor({ device, cache }: LoadOptions): Promise<Room> {
  const limits = (device as GPUDevice | undefined)?.limits ?? (await adapterLimits());
  const { freeBytes } = cache === "none" ? {} : await storageReport();
  return { gpuBytes: mostWeightBytes(limits), storageBytes: freeBytes ?? Number.POSITIVE_INFINITY };
}

/**
 * Guesses whether this many bytes fit the visitor's GPU, for a list of models whose plans are not made yet. `planModel`
 * says it of one model as `fit`.
 *
 * @returns undefined where the browser offers no GPU
 */
export async function guessFit(bytes: number): Promise<ModelFit | undefined> {
  return fitOf(bytes, await adapterLimits());
}
