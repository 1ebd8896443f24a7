/**
 * The public functions for models on disk: list them, delete one, report the free space. store.ts manages the files.
 */
import { FoveaError } from "../errors.ts";
import { checkFields } from "../shared/arguments.ts";
import type { StoredConversation } from "../shared/stored-conversation.ts";
import { NO_ROOM, type StorageReport, type StoredModel } from "../shared/stored-model.ts";
import { storedName } from "./published-model.ts";
import { deleteStored, listStored } from "./store.ts";

/**
 * The models on disk, complete or partly downloaded, oldest first. Empty without a private file system. A `source` of ""
 * is a folder with a damaged description.
 */
export async function storedModels(): Promise<StoredModel[]> {
  return (await listStored()).sort((a, b) => (a.since < b.since ? -1 : 1));
}

/**
 * Removes a stored model. Waits for running loads in all tabs. Loaded models stay loaded.
 *
 * @param source as `storedModels` names it, or as it was loaded
 * @returns True if the model was stored.
 * @throws TypeError if the source is not a string, or for an unknown option; FoveaError `aborted`.
 */
export async function deleteStoredModel(source: string, options: { signal?: AbortSignal } = {}): Promise<boolean> {
  if (typeof source !== "string") throw new TypeError("source must be a string, as in storedModels");
  checkFields("options", options, ["signal"]);
  return deleteStored([source, storedName(source)], options.signal);
}

/** The conversations on disk, the oldest first. Empty without a private file system. */
export async function storedConversations(): Promise<StoredConversation[]> {
  return (await import("./saved-rows.ts")).listSaved();
}

/**
 * Removes a conversation from disk.
 *
 * @returns True if it was stored.
 * @throws TypeError if the name is not a string, or for an unknown option; FoveaError `aborted`.
 */
export async function deleteStoredConversation(name: string, options: { signal?: AbortSignal } = {}): Promise<boolean> {
  if (typeof name !== "string") throw new TypeError("name must be a string, as in storedConversations");
  checkFields("options", options, ["signal"]);
  return (await import("./saved-rows.ts")).deleteSaved(name, options.signal);
}

/** The space that the browser gives to this site. */
export async function storageReport(): Promise<StorageReport> {
  const storage = globalThis.navigator?.storage;
  const estimate = await storage?.estimate?.().catch(() => undefined);
  const { quota: quotaBytes, usage: usageBytes } = estimate ?? {};
  const isKnown = quotaBytes !== undefined && usageBytes !== undefined;
  const freeBytes = isKnown ? Math.max(0, quotaBytes - usageBytes) : undefined;
  const persisted = (await storage?.persisted?.().catch(() => false)) ?? false;
  return { quotaBytes, usageBytes, freeBytes, persisted };
}

/**
 * Checks that there is space to store more of a model, and asks the browser to keep it. Estimates may be wrong: if the
 * disk fills up later, the load continues without storing.
 *
 * @throws FoveaError `download-failed` with the numbers and the models that could be deleted.
 */
export async function checkRoom(source: string, neededBytes: number): Promise<void> {
  askToPersist();
  const { freeBytes, quotaBytes } = await storageReport();
  if (freeBytes === undefined || neededBytes <= freeBytes) return;
  const others = (await storedModels()).filter((model) => model.source !== source && model.bytes > 0);
  const list = others.map((model) => `${model.source} (${megabytes(model.bytes)})`).join(", ");
  throw new FoveaError(
    "download-failed",
    `${NO_ROOM} ${source}: it needs ${megabytes(neededBytes)} more, ${megabytes(freeBytes)} of this site's ${megabytes(quotaBytes!)} are free; ${list ? `delete a stored model with deleteStoredModel: ${list}` : "no other model is stored, so free space on the disk"}; or load with cache "none", which stores nothing`,
  );
}

let hasAsked = false;

/** Asks the browser, once, to keep the files. Does not wait, because some browsers ask the user. Works in pages only. */
function askToPersist(): void {
  if (hasAsked) return;
  hasAsked = true;
  void globalThis.navigator?.storage?.persist?.().catch(() => false);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)} MB`;
}
