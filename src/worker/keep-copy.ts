/** A small copy of a model, made in a worker of its own, so that the page stays responsive. */
import type { ModelFiles, SmallCopy, SmallCopyOptions } from "../api.ts";
import { SMALL_COPY_FIELDS } from "../known-fields.ts";
import { checkFields, checkFunction, checkSignal } from "../shared/arguments.ts";
import { callOnce } from "./single-call.ts";

/**
 * As `keepSmallCopy` of `fovea`, in a worker. It also throws FoveaError `download-failed` if the worker's script cannot
 * be loaded, and `device-lost` if the worker dies. The next attempt then deletes the unfinished copy.
 */
export async function keepSmallCopy(source: string | URL | ModelFiles, options: SmallCopyOptions): Promise<SmallCopy> {
  checkFields("options", options, SMALL_COPY_FIELDS);
  const { signal, onProgress, ...settings } = options;
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  // After an abort the worker deletes what it wrote, and answers then.
  return (await callOnce("keep-copy", source, settings, { signal, onCopied: onProgress })) as SmallCopy;
}
