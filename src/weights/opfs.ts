/**
 * Small files in the origin's private file system: whole reads, whole writes, folders. Knows nothing of models. Every
 * file is written once and whole, so that pages, which can only replace files, and workers, whose files are written in
 * place, are served alike; a write that is cut short in a worker may leave a file of which the end is missing.
 */

export type Folder = FileSystemDirectoryHandle;

/** What only workers have, and TypeScript's library for pages does not know. */
interface SyncHandle {
  truncate(byteLength: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

type FileHandle = FileSystemFileHandle & { createSyncAccessHandle?: () => Promise<SyncHandle> };

/** The folder of that name at the root; undefined where there is no private file system, as in Node and in some private windows. */
export async function privateFolder(name: string): Promise<Folder | undefined> {
  try {
    const root = await globalThis.navigator?.storage?.getDirectory?.();
    return await root?.getDirectoryHandle(name, { create: true });
  } catch (error) {
    // Refused: private windows, blocked site data, pages without an origin.
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** The folder inside another; undefined if it is not there and shall not be made. */
export async function subfolder(parent: Folder, name: string, create: boolean): Promise<Folder | undefined> {
  return orMissing(parent.getDirectoryHandle(name, { create }));
}

/** A file's bytes; undefined if there is none, or if it cannot be read. */
export async function readFile(folder: Folder, name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const handle = await orMissing(folder.getFileHandle(name));
  const buffer = handle && (await orMissing(handle.getFile().then((file) => file.arrayBuffer())));
  return buffer && new Uint8Array(buffer);
}

/** Writes a file of these pieces, in place of any other. Throws DOMException, as when the storage is full. */
export async function writeFile(folder: Folder, name: string, pieces: readonly Uint8Array[]): Promise<void> {
  const handle: FileHandle = await folder.getFileHandle(name, { create: true });
  try {
    // First where there is the choice: Safari's workers have nothing else, and in the others' it costs less.
    if (handle.createSyncAccessHandle) await writeInPlace(await handle.createSyncAccessHandle(), pieces);
    else await replace(await handle.createWritable(), pieces);
  } catch (error) {
    await remove(folder, name).catch(() => {});
    throw error;
  }
}

async function writeInPlace(handle: SyncHandle, pieces: readonly Uint8Array[]): Promise<void> {
  try {
    handle.truncate(0);
    let at = 0;
    for (const piece of pieces) {
      const written = handle.write(piece, { at });
      if (written !== piece.byteLength) throw new DOMException("the storage is full", "QuotaExceededError");
      at += written;
    }
    handle.flush();
  } finally {
    handle.close();
  }
}

async function replace(writable: FileSystemWritableFileStream, pieces: readonly Uint8Array[]): Promise<void> {
  try {
    for (const piece of pieces) await writable.write(piece as Uint8Array<ArrayBuffer>);
  } catch (error) {
    await writable.abort().catch(() => {});
    throw error;
  }
  await writable.close();
}

/** Removes a file, or a folder with all that is in it, if it is there. */
export async function remove(folder: Folder, name: string): Promise<void> {
  await orMissing(folder.removeEntry(name, { recursive: true }));
}

/** Names of all entries. */
export async function entryNames(folder: Folder): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

/** What the promise gives, or undefined for an entry that is not there (any more), or is of the other kind. */
async function orMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const missing = ["NotFoundError", "TypeMismatchError", "NotReadableError"];
    if (error instanceof DOMException && missing.includes(error.name)) return undefined;
    throw error;
  }
}
