/**
 * Small copies of models on disk. They are not published and cannot be fetched again. So a new copy is written beside
 * an earlier one of the same source, and replaces it only once it is complete.
 */
import { FoveaError } from "../errors.ts";
import { NO_ROOM } from "../shared/stored-model.ts";
import { type ModelKey, ModelStore, StoredView } from "./store.ts";
import type { StoredFolder } from "./stored-folder.ts";

/** The two places of a copy. */
function placesOf(source: string): readonly [ModelKey, ModelKey] {
  return [
    { source, origin: "copy 0" },
    { source, origin: "copy 1" },
  ];
}

/** The place of the newest complete copy of this source; undefined if there is none. */
export async function findCopy(source: string): Promise<ModelKey | undefined> {
  const found: { key: ModelKey; since: string }[] = [];
  for (const key of placesOf(source)) {
    const view = await StoredView.open(key);
    if (view && (await view.isComplete())) found.push({ key, since: view.since });
  }
  return found.sort((a, b) => (a.since < b.since ? 1 : -1))[0]?.key;
}

export interface CopyOptions {
  signal?: AbortSignal | undefined;
  /** Length of a part on disk. */
  partBytes: number;
}

/**
 * Stores the output of `write` as the copy of this source. If it fails, the unfinished copy is deleted, and an earlier
 * one stays.
 *
 * @returns the result of `write`
 * @throws FoveaError `download-failed` without room or a private file system, `aborted`; errors of `write`
 */
export async function storeCopy<T>(
  source: string,
  write: (folder: StoredFolder) => Promise<T>,
  options: CopyOptions,
): Promise<T> {
  const failure = (error: unknown) => (error instanceof DOMException ? notStored(source, error) : error);
  const { store, other } = await openPlace(source, options.signal).catch((error) => {
    throw failure(error);
  });
  let result: T;
  try {
    const folder = store.folder(options.partBytes);
    result = await write(folder);
    await store.complete(folder.names);
    if (!(await store.isComplete())) throw new DOMException("its last file is missing");
  } catch (error) {
    await store.discard().catch(() => {});
    throw failure(error);
  } finally {
    store.close();
  }
  // Without holding another lock: a tab that writes there would wait for this one.
  await ModelStore.remove(other, () => isNewest(source, other));
  return result;
}

/** The place that does not hold the newest complete copy, held exclusively. Another tab may fill it during the wait. */
async function openPlace(source: string, signal: AbortSignal | undefined) {
  for (;;) {
    const [first, second] = placesOf(source);
    const [key, other] = (await isNewest(source, first)) ? [second, first] : [first, second];
    const store = await ModelStore.create(key, () => isNewest(source, key), signal);
    if (store === "kept") continue;
    if (store) return { store, other };
    throw new FoveaError(
      "download-failed",
      `${source} cannot be stored in this browser: private window, full disk or no private file system`,
    );
  }
}

async function isNewest(source: string, { origin }: ModelKey): Promise<boolean> {
  return (await findCopy(source))?.origin === origin;
}

function notStored(source: string, cause: DOMException): FoveaError {
  const isFull = cause.name === "QuotaExceededError";
  return new FoveaError(
    "download-failed",
    isFull
      ? `${NO_ROOM} ${source}: the browser's storage is full; nothing has changed. Delete a stored model with deleteStoredModel, then make the copy again`
      : `${source} cannot be stored: ${cause.message}; nothing has changed. Make the copy again`,
    { cause },
  );
}
