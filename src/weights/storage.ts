/**
 * What pages ask and say about the models on disk: which there are, how much room is left, and that one may go. How they
 * lie there is store.ts.
 */
import { FoveaError } from "../errors.ts";
import { NO_ROOM, type StorageReport, type StoredModel } from "../shared/stored-model.ts";
import { deleteStored, listStored } from "./store.ts";

/**
 * The models of which something is on disk, those that are complete and those whose download was cut short, the oldest
 * first. Empty where the browser has no private file system. A `source` of "" is a folder that no longer says what it is.
 */
export async function storedModels(): Promise<StoredModel[]> {
  return (await listStored()).sort((a, b) => (a.since < b.since ? -1 : 1));
}

/**
 * Removes a stored model. Models that are loaded stay so; a load that is under way, in whichever tab, is waited for.
 *
 * @param source As `storedModels` names it.
 * @returns Whether there was anything to remove.
 * @throws TypeError if the source is no text; FoveaError `aborted`.
 */
export async function deleteStoredModel(source: string, options: { signal?: AbortSignal } = {}): Promise<boolean> {
  if (typeof source !== "string") throw new TypeError("source must be a text, as storedModels names it");
  return deleteStored(source, options.signal);
}

/** How much room there is. */
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
 * Sees that there is room to store more of a model, and asks the browser to keep it. An estimate may be wrong, so that
 * a disk which turns out full later only ends the storing, not the load.
 *
 * @throws FoveaError `download-failed` with the numbers, and what could be deleted.
 */
export async function checkRoom(source: string, neededBytes: number): Promise<void> {
  askToPersist();
  const { freeBytes, quotaBytes } = await storageReport();
  if (freeBytes === undefined || neededBytes <= freeBytes) return;
  const others = (await storedModels()).filter((model) => model.source !== source && model.bytes > 0);
  const list = others.map((model) => `${model.source} (${megabytes(model.bytes)})`).join(", ");
  throw new FoveaError(
    "download-failed",
    `${NO_ROOM} ${source}: it needs ${megabytes(neededBytes)} more, ${megabytes(freeBytes)} of the ${megabytes(quotaBytes!)} that the browser gives this site are free; ${list ? `delete a stored model with deleteStoredModel: ${list}` : "no other model is stored, so make room on the disk"}; or load it with cache "none", which stores nothing`,
  );
}

let hasAsked = false;

/** Asks the browser, once, to keep what is stored. Not waited for: some ask the user. Workers cannot ask; pages can. */
function askToPersist(): void {
  if (hasAsked) return;
  hasAsked = true;
  void globalThis.navigator?.storage?.persist?.().catch(() => false);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)} MB`;
}
