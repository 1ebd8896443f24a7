/**
 * One file of a model on disk, as numbered parts, each after its own SHA-256. An interrupted write does no harm: a part
 * is either correct or counts as missing. caching-source.ts fetches missing parts.
 *
 *     file.json    the file's identity: name, length, length of a part, published hash or the server's validator
 *     0, 1, 2...   32 bytes of SHA-256, then the part's bytes
 *     parts.json   the hashes of all parts, once the whole file is verified
 */
import { checkInteger } from "../shared/assert.ts";
import { isJsonObject } from "../shared/json.ts";
import { MAX_FILE_BYTES } from "./byte-source.ts";
import { digestSha256, hexOf, textSha256 } from "./hash.ts";
import type { Digest } from "./listing.ts";
import { entryNames, type Folder, readFile, remove, subfolder, writeFile } from "./opfs.ts";

/** Identifies a version of a file. */
export interface FileIdentity {
  readonly name: string;
  readonly byteLength: number;
  /** Length of every part except the last. */
  readonly partBytes: number;
  readonly digest?: Digest | undefined;
  /** For a file without a published hash: its ETag or date. */
  readonly validator?: string | undefined;
}

const HASH_BYTES = 32;
/** Enough for a terabyte in parts of 4 MiB. */
const MAX_PARTS = 2 ** 18;
const IDENTITY = "file.json";
const RECORD = "parts.json";

/** The parts of one file on disk. */
export class StoredFile {
  readonly identity: FileIdentity;
  readonly #folder: Folder;
  readonly #parts: Set<number>;
  /** The hashes of all parts, in hex, if the whole file is verified. */
  readonly hashes: readonly string[] | undefined;

  private constructor(
    identity: FileIdentity,
    folder: Folder,
    parts: Set<number>,
    hashes: readonly string[] | undefined,
  ) {
    this.identity = identity;
    this.#folder = folder;
    this.#parts = parts;
    this.hashes = hashes;
  }

  /** The file of this name in a model's folder; undefined if it is missing or its description is damaged. */
  static async find(model: Folder, name: string): Promise<StoredFile | undefined> {
    const folder = await subfolder(model, folderName(name), false);
    return folder && StoredFile.read(folder, name);
  }

  /** Reads a folder; undefined if a name is given and the folder is not its. */
  static async read(folder: Folder, name?: string): Promise<StoredFile | undefined> {
    const identity = parseIdentity(await readJson(folder, IDENTITY));
    if (!identity || (name !== undefined && identity.name !== name)) return undefined;
    const count = partCount(identity);
    const numbers = (await entryNames(folder)).filter((entry) => /^\d{1,9}$/.test(entry)).map(Number);
    const parts = new Set(numbers.filter((part) => part < count));
    return new StoredFile(identity, folder, parts, parseRecord(await readJson(folder, RECORD), count));
  }

  /** A new file without parts. Replaces any other of its name. */
  static async create(model: Folder, identity: FileIdentity): Promise<StoredFile> {
    const name = folderName(identity.name);
    await remove(model, name);
    const folder = (await subfolder(model, name, true))!;
    await writeJson(folder, IDENTITY, { format: 1, ...identity });
    return new StoredFile(identity, folder, new Set(), undefined);
  }

  /** A new file whose length is not known yet. `seal` ends it; until then it counts as incomplete. */
  static begin(model: Folder, name: string, partBytes: number): Promise<StoredFile> {
    return StoredFile.create(model, { name, byteLength: partBytes * MAX_PARTS, partBytes });
  }

  /** Gives a begun file its length, once all parts are written. Throws DOMException if that cannot be stored. */
  async seal(byteLength: number, hashes: readonly string[]): Promise<void> {
    await writeJson(this.#folder, IDENTITY, { format: 1, ...this.identity, byteLength });
    await this.complete(hashes);
  }

  /** True if a part exists. It is not checked yet. */
  has(part: number): boolean {
    return this.#parts.has(part);
  }

  /** True if all parts are stored and the file was verified. */
  get isComplete(): boolean {
    return this.hashes !== undefined && this.#parts.size === partCount(this.identity);
  }

  /** Bytes of the stored parts. */
  get storedBytes(): number {
    return [...this.#parts].reduce((sum, part) => sum + partLength(this.identity, part), 0);
  }

  /** A part with its hash; undefined, and forgotten, if it is missing or damaged. */
  async readPart(part: number): Promise<{ bytes: Uint8Array; hash: string } | undefined> {
    const stored = await readFile(this.#folder, String(part));
    if (stored && stored.byteLength === HASH_BYTES + partLength(this.identity, part)) {
      const bytes = stored.subarray(HASH_BYTES);
      const hash = hexOf(await digestSha256(bytes));
      if (hash === hexOf(stored.subarray(0, HASH_BYTES))) return { bytes, hash };
    }
    this.#parts.delete(part);
    return undefined;
  }

  /** Throws DOMException if the part cannot be stored. */
  async writePart(part: number, bytes: Uint8Array, hash: Uint8Array): Promise<void> {
    await writeFile(this.#folder, String(part), [hash, bytes]);
    this.#parts.add(part);
  }

  /** Records that the file with these parts is verified. Throws DOMException if that cannot be stored. */
  async complete(hashes: readonly string[]): Promise<void> {
    await writeJson(this.#folder, RECORD, { format: 1, hashes });
  }
}

/** True if two identities mean the same bytes, as far as known. */
export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  if (a.name !== b.name || a.byteLength !== b.byteLength || a.partBytes !== b.partBytes) return false;
  if (a.digest || b.digest) return a.digest?.hex === b.digest?.hex && a.digest?.algorithm === b.digest?.algorithm;
  return a.validator === b.validator;
}

/** Name of a file's folder: a hash, because the file's name is untrusted. */
export function folderName(name: string): string {
  return textSha256(name).slice(0, 32);
}

/** Number of parts of a file. */
export function partCount({ byteLength, partBytes }: Pick<FileIdentity, "byteLength" | "partBytes">): number {
  return Math.ceil(byteLength / partBytes);
}

/** Bytes of a part; the last one may be shorter. */
export function partLength({ byteLength, partBytes }: FileIdentity, part: number): number {
  return Math.min(byteLength - part * partBytes, checkInteger("partBytes", partBytes, 1));
}

function parseIdentity(json: unknown): FileIdentity | undefined {
  if (!isJsonObject(json) || json.format !== 1) return undefined;
  const { name, byteLength, partBytes, digest, validator } = json;
  const isCount = (value: unknown, min: number) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= MAX_FILE_BYTES;
  if (typeof name !== "string" || !isCount(byteLength, 0) || !isCount(partBytes, 1)) return undefined;
  if ((byteLength as number) > (partBytes as number) * MAX_PARTS) return undefined;
  const { algorithm, hex } = isJsonObject(digest) ? digest : {};
  if (digest !== undefined && ((algorithm !== "sha256" && algorithm !== "git") || typeof hex !== "string"))
    return undefined;
  if (validator !== undefined && typeof validator !== "string") return undefined;
  return { name, byteLength, partBytes, digest, validator } as FileIdentity;
}

function parseRecord(json: unknown, count: number): string[] | undefined {
  const hashes = isJsonObject(json) && json.format === 1 ? json.hashes : undefined;
  const isHash = (hash: unknown) => typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash);
  return Array.isArray(hashes) && hashes.length === count && hashes.every(isHash) ? hashes : undefined;
}

/** A small file as JSON; undefined if it is missing or damaged. */
export async function readJson(folder: Folder, name: string): Promise<unknown> {
  const bytes = await readFile(folder, name);
  try {
    return bytes && JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Writes a value as a JSON file of the folder. */
export async function writeJson(folder: Folder, name: string, value: object): Promise<void> {
  await writeFile(folder, name, [new TextEncoder().encode(JSON.stringify(value))]);
}
