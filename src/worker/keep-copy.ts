/** A small copy of a model, made in a worker of its own, so that the page stays responsive. */
import type { ModelFiles, SmallCopy, SmallCopyOptions } from "../api.ts";
import { SMALL_COPY_FIELDS } from "../known-fields.ts";
import { checkFields, checkFunction, checkSignal } from "../shared/arguments.ts";
import { shippedFor } from "../shared/shipped-files.ts";
import { absoluteAddress } from "../shared/source.ts";
import { Channel } from "./channel.ts";
import { packSource } from "./pack.ts";
import { startEngineWorker } from "./start-worker.ts";

/**
 * As `keepSmallCopy` of `fovea`, in a worker. It also throws FoveaError `download-failed` if the worker's script cannot be
 * loaded, and `device-lost` if the worker dies; an unfinished copy is deleted by the next attempt then.
 */
export async function keepSmallCopy(source: string | URL | ModelFiles, options: SmallCopyOptions): Promise<SmallCopy> {
  checkFields("options", options, SMALL_COPY_FIELDS);
  const { signal, onProgress, ...settings } = options;
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  // Relative to the page, not to the worker's script.
  for (const name of ["modelsUrl", "hubUrl"] as const)
    if (typeof settings[name] === "string") settings[name] = absoluteAddress(settings[name]);
  const channel = new Channel(startEngineWorker());
  try {
    const { lifeLock } = channel;
    const packed = packSource(source);
    const shipped = await shippedFor(packed, settings.modelsUrl);
    const value = { type: "keep-copy", source: packed, options: settings, shipped, lifeLock } as const;
    // After an abort the worker deletes what it wrote, and answers then.
    const call = channel.call({ value, transfer: [] }, { signal, onCopied: onProgress });
    return (await call) as SmallCopy;
  } finally {
    channel.close();
  }
}
