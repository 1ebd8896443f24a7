/** Plans the load of a model in a worker of its own, because a container's metadata takes seconds to read. */
import type { ModelFiles, ModelPlan, WorkerOptions } from "../api.ts";
import { LOAD_FIELDS } from "../known-fields.ts";
import { checkFields, checkSignal } from "../shared/arguments.ts";
import { callOnce } from "./single-call.ts";

/**
 * As `planModel` of `fovea`, in a worker. It also throws FoveaError `download-failed` if the worker's script cannot be
 * loaded, and TypeError for a `device`, which cannot be sent.
 */
export async function planModel(source: string | URL | ModelFiles, options: WorkerOptions = {}): Promise<ModelPlan> {
  checkFields("options", options, LOAD_FIELDS);
  const { signal, onProgress: _, onWait: __, ...settings } = options;
  checkSignal(signal);
  if ((settings as { device?: unknown }).device !== undefined)
    throw new TypeError("device cannot be sent to a worker; leave it out, or use planModel of fovea in this thread");
  return (await callOnce("plan", source, settings, { signal, endsOnAbort: true })) as ModelPlan;
}
