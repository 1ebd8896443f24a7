/** The page's side of the engine in a worker: the same members as `Fovea`, each a message. */
import type { FoveaModel, ModelFiles, WorkerOptions } from "../api.ts";

/** A model in a worker of its own. The same as `Fovea` to its callers. */
export type RemoteFovea = FoveaModel;

/**
 * Loads a checkpoint in a worker; sources and errors as of `Fovea.load`.
 *
 * @throws TypeError for a `device`, which cannot be handed to a worker
 */
export async function createFovea(
  _source: string | URL | ModelFiles,
  _options: WorkerOptions = {},
): Promise<RemoteFovea> {
  throw new Error("not written yet");
}
