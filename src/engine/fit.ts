/** Guesses if a model's memory fits a device, because no browser reports a GPU's memory. */
import type { LoadOptions } from "../api.ts";
import { adapterLimits, type BufferLimits } from "../gpu/limits.ts";
import type { ModelFit } from "../shared/load-report.ts";
import type { Room } from "../weights/formats/format.ts";
import { storageReport } from "../weights/storage.ts";

/**
 * The most bytes that count as fitting, in largest buffers. Browsers report the largest buffer of a device, on most a
 * quarter to a half of its memory.
 */
const MOST_BUFFERS = 2;

/** Undefined without a device. */
export function fitOf(bytes: number, limits: Pick<BufferLimits, "maxBufferSize"> | undefined): ModelFit | undefined {
  if (!limits) return undefined;
  const most = mostWeightBytes(limits);
  return bytes <= most / 2 ? "fits" : bytes <= most ? "tight" : "too-large";
}

/** Bytes of weights that count as fitting. */
export function mostWeightBytes(limits: Pick<BufferLimits, "maxBufferSize"> | undefined): number {
  return MOST_BUFFERS * (limits?.maxBufferSize ?? Number.POSITIVE_INFINITY);
}

/** The room on the device of a load and in the storage of this page, for a choice among quantisations. */
export async function roomFor({ device, cache }: LoadOptions): Promise<Room> {
  const limits = (device as GPUDevice | undefined)?.limits ?? (await adapterLimits());
  const { freeBytes } = cache === "none" ? {} : await storageReport();
  return { gpuBytes: mostWeightBytes(limits), storageBytes: freeBytes ?? Number.POSITIVE_INFINITY };
}

/**
 * Guesses if this many bytes fit the visitor's GPU, for a list of models without plans. `planModel` returns it for one
 * model as `fit`.
 *
 * @returns undefined where the browser offers no GPU
 */
export async function guessFit(bytes: number): Promise<ModelFit | undefined> {
  return fitOf(bytes, await adapterLimits());
}
