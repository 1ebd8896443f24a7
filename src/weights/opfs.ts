/**
 * Small files in the origin's private file system: whole reads, whole writes, folders. Each file is written once, as a
 * whole, because pages can only replace files. Workers write in place: an interrupted write may leave a truncated file.
 */

export type Folder = FileSystemDirectoryHandle;

/** Only workers have it; TypeScript's library for pages lacks the type. */
interface SyncHandle {
  truncate(byteLength: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

type FileHandle = FileSystemFileHandle & { createSyncAccessHandle?: () => Promise<SyncHandle> };

/** A folder at the root; undefined without a private file system, as in Node and in some private windows. */
export async function privateFolder(name: string): Promise<Folder | undefined> {
  try {
    const root = await globalThis.navigator?.storage?.getDirectory?.();
    return await root?.getDirectoryHandle(name, { create: true });
  } catch (error) {
    // Private windows, blocked site data, pages without an origin.
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/** A folder inside another; undefined if it does not exist and `create` is false. */
export async function subfolder(parent: Folder, name: string, create: boolean): Promise<Folder | undefined> {
  return orMissing(parent.getDirectoryHandle(name, { create }));
}

/** A file's bytes; undefined if it does not exist or cannot be read. */
export async function readFile(folder: Folder, name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const handle = await orMissing(folder.getFileHandle(name));
  const buffer = handle && (await orMissing(handle.getFile().then((file) => file.arrayBuffer())));
  return buffer && new Uint8Array(buffer);
}

/** A file's bytes in order; each piece is written before the next one is requested. */
type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file from pieces and replaces any other of its name. Throws DOMException, for example if storage is full,
 * and errors of `pieces`; the file is then removed.
 */
export async function writeFile(folder: Folder, name: string, pieces: Pieces): Promise<void> {
  const handle: FileHandle = await folder.getFileHandle(name, { create: true });
  try {
    // Safari's workers have only sync handles; elsewhere they are faster.
    if (handle.createSyncAccessHandle) await writeInPlace(await handle.createSyncAccessHandle(), pieces);
    else await replace(await handle.createWritable(), pieces);
  } catch (error) {
    await remove(folder, name).catch(() => {});
    throw error;
  }
}

async function writeInPlace(handle: SyncHandle, pieces: Pieces): Promise<void> {
  try {
    handle.truncate(0);
    let at = 0;
    for await (const piece of pieces) {
      const written = handle.write(piece, { at });
      if (written !== piece.byteLength) throw new DOMException("the storage is full", "QuotaExceededError");
      at += written;
    }
    handle.flush();
  } finally {
    handle.close();
  }
}

async function replace(writable: FileSystemWritableFileStream, pieces: Pieces): Promise<void> {
  try {
    for await (const piece of pieces) await writable.write(piece as Uint8Array<ArrayBuffer>);
  } catch (error) {
    await writable.abort().catch(() => {});
    throw error;
  }
  await writable.close();
}

/** Removes a file, or a folder with its content, if it exists. */
export async function remove(folder: Folder, name: string): Promise<void> {
  await orMissing(folder.removeEntry(name, { recursive: true }));
}

/** Names of all entries. */
export async function entryNames(folder: Folder): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

/** The promise's value, or undefined if the entry is missing or of the other kind. */
async function orMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const missing = ["NotFoundError", "TypeMismatchError", "NotReadableError"];
    if (error instanceof DOMException && missing.includes(error.name)) return undefined;
    throw error;
  }
}
