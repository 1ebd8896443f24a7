/**
 * Rows of conversations on disk: one folder each, in the origin's private file system.
 *
 *     fovea-conversations/NAME/rows.bin      the bytes of all tensors, one after another
 *     fovea-conversations/NAME/header.json   their description, and the SHA-256 of each piece; written last
 *
 * A folder without a readable header counts as empty: an interrupted write leaves none. Folder names are hashes.
 */
import { isJsonObject } from "../shared/json.ts";
import type { StoredConversation } from "../shared/stored-conversation.ts";
import { digestSha256, hexOf, textSha256 } from "./hash.ts";
import { acquireLock } from "./locks.ts";
import { entryNames, type Folder, privateFolder, remove, subfolder, writeFile } from "./opfs.ts";

const ROOT = "fovea-conversations";
const HEADER = "header.json";
const ROWS = "rows.bin";
const FORMAT = 1;
/** Bytes that are hashed, copied and uploaded at once. */
export const PIECE_BYTES = 4 << 20;
/** A header of more bytes is not read: that of 100,000 rows has about 2 MB. */
const MAX_HEADER_BYTES = 64 << 20;

interface Header extends StoredConversation {
  format: number;
  /** The hash of each piece of rows.bin, in order. */
  hashes: string[];
  /** The writer's content; JSON. */
  content: unknown;
}

/** The folder of a conversation: a hash, because the conversation's name is the caller's. */
function folderOf(name: string): string {
  return textSha256(name).slice(0, 32);
}

/** True if the browser has a private file system here. */
export async function canSave(): Promise<boolean> {
  return (await privateFolder(ROOT)) !== undefined;
}

/**
 * Writes a conversation, and replaces one of the same name.
 *
 * @param pieces of at most PIECE_BYTES; consumed as they are written
 * @throws DOMException, for example if the storage is full; errors of `pieces`. Nothing is stored then.
 */
export async function writeSaved(
  { name, tokens }: Pick<StoredConversation, "name" | "tokens">,
  content: unknown,
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  signal?: AbortSignal,
): Promise<StoredConversation> {
  const key = folderOf(name);
  const release = await acquireLock(`fovea-conversation-${key}`, "exclusive", signal);
  try {
    const root = (await privateFolder(ROOT))!;
    const folder = (await subfolder(root, key, true))!;
    try {
      await remove(folder, HEADER);
      const hashes: string[] = [];
      let bytes = 0;
      const hashed = async function* () {
        for await (const piece of pieces) {
          hashes.push(hexOf(await digestSha256(piece)));
          bytes += piece.byteLength;
          yield piece;
        }
      };
      await writeFile(folder, ROWS, hashed());
      const stored = { name, tokens, bytes, since: new Date().toISOString() };
      const header: Header = { format: FORMAT, ...stored, hashes, content };
      const text = new TextEncoder().encode(JSON.stringify(header));
      // The hash detects a header that was cut or changed.
      const sum = new TextEncoder().encode(hexOf(await digestSha256(text)));
      await writeFile(folder, HEADER, [sum, text]);
      return stored;
    } catch (error) {
      await remove(root, key).catch(() => {});
      throw error;
    }
  } finally {
    release();
  }
}

/** A conversation on disk, held under a lock until `close`. */
export interface SavedRows {
  tokens: number;
  content: unknown;
  bytes: number;
  /**
   * The next `byteLength` bytes, PIECE_BYTES or the rest of a tensor. Throws RangeError if they differ from the written
   * bytes.
   */
  next(byteLength: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): void;
}

/**
 * Opens a conversation; undefined if it is not stored. Throws RangeError for a damaged or incomplete one, FoveaError
 * `aborted`.
 */
export async function openSaved(name: string, signal?: AbortSignal): Promise<SavedRows | undefined> {
  const key = folderOf(name);
  const release = await acquireLock(`fovea-conversation-${key}`, "shared", signal);
  try {
    const root = await privateFolder(ROOT);
    const folder = root && (await subfolder(root, key, false));
    if (!folder) {
      release();
      return undefined;
    }
    const header = await readHeader(folder);
    const file = header && (await fileOf(folder, ROWS));
    if (!header || !file) throw new RangeError("it is damaged, or was not written to its end");
    if (file.size !== header.bytes)
      throw new RangeError(`its rows have ${file.size} bytes, ${header.bytes} were saved`);
    let at = 0;
    let piece = 0;
    const next = async (byteLength: number) => {
      const bytes = new Uint8Array(await file.slice(at, at + byteLength).arrayBuffer());
      const hash = hexOf(await digestSha256(bytes));
      if (bytes.byteLength !== byteLength || hash !== header.hashes[piece])
        throw new RangeError(`piece ${piece} of its rows, at byte ${at}, is not what was saved`);
      at += byteLength;
      piece++;
      return bytes;
    };
    return { tokens: header.tokens, content: header.content, bytes: file.size, next, close: release };
  } catch (error) {
    release();
    throw error;
  }
}

/** The conversations on disk, the oldest first. Empty without a private file system. */
export async function listSaved(): Promise<StoredConversation[]> {
  const root = await privateFolder(ROOT);
  if (!root) return [];
  const found: StoredConversation[] = [];
  for (const key of await entryNames(root)) {
    const folder = await subfolder(root, key, false);
    const header = folder && (await readHeader(folder));
    if (header) found.push({ name: header.name, tokens: header.tokens, bytes: header.bytes, since: header.since });
  }
  return found.sort((a, b) => (a.since < b.since ? -1 : 1));
}

/** Removes a conversation. Returns true if it existed. Throws `aborted`. */
export async function deleteSaved(name: string, signal?: AbortSignal): Promise<boolean> {
  const key = folderOf(name);
  const release = await acquireLock(`fovea-conversation-${key}`, "exclusive", signal);
  try {
    const root = await privateFolder(ROOT);
    if (!root || !(await subfolder(root, key, false))) return false;
    await remove(root, key);
    return true;
  } finally {
    release();
  }
}

async function fileOf(folder: Folder, name: string): Promise<File | undefined> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

const HASH_LENGTH = 64;

async function readHeader(folder: Folder): Promise<Header | undefined> {
  const file = await fileOf(folder, HEADER);
  if (!file || file.size > MAX_HEADER_BYTES) return undefined;
  try {
    const sum = await file.slice(0, HASH_LENGTH).text();
    const text = new Uint8Array(await file.slice(HASH_LENGTH).arrayBuffer());
    if (hexOf(await digestSha256(text)) !== sum) return undefined;
    const header: unknown = JSON.parse(new TextDecoder().decode(text));
    return isHeader(header) ? header : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return undefined;
    throw error;
  }
}

function isHeader(value: unknown): value is Header {
  if (!isJsonObject(value)) return false;
  const { format, name, tokens, bytes, since, hashes } = value;
  const areTexts = [name, since].every((text) => typeof text === "string");
  const areCounts = [tokens, bytes].every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  return format === FORMAT && areTexts && areCounts && Array.isArray(hashes);
}
