/** The model that answers where one cannot run on this device: no WebGPU, or not enough memory. */
import type { FoveaModel, LoadProgress } from "./api.ts";
import { FoveaError, type FoveaErrorCode } from "./errors.ts";
import { kindOf } from "./shared/arguments.ts";

/** Failures of the device. Those of the model's files would be the same on every device, and stay errors. */
const CODES: readonly FoveaErrorCode[] = ["no-webgpu", "out-of-memory"];

/** Throws TypeError for a fallback that is no model. */
export function checkFallback(fallback: unknown): void {
  if (fallback !== undefined && typeof (fallback as Partial<FoveaModel> | null)?.generate !== "function")
    throw new TypeError(`fallback must be a model, such as one of createRemote, got ${kindOf(fallback)}`);
}

/**
 * Waits for a load; returns the fallback, if there is one, where the device cannot run the model. Tells it as progress.
 */
export async function orFallback<T extends FoveaModel>(
  load: Promise<T>,
  fallback: FoveaModel | undefined,
  onProgress: ((progress: LoadProgress) => void) | undefined,
): Promise<T | FoveaModel> {
  try {
    return await load;
  } catch (error) {
    if (!fallback || !(error instanceof FoveaError) || !CODES.includes(error.code)) throw error;
    const { server } = fallback.info;
    const by = server ? `${server.model} on ${server.address}` : "another model";
    const message = `${by} answers, because the model cannot run here: ${error.message}`;
    onProgress?.({ stage: "ready", loadedBytes: 0, totalBytes: 0, type: "fallback", message });
    return fallback;
  }
}
