/**
 * A checkpoint's folder: at an http(s) address, or as files in memory. Opens files by name and reads small ones as text
 * or JSON, within limits. Known names and hub names are resolved before they get here (published-model.ts).
 */
import { FoveaError } from "../errors.ts";
import { addressText } from "../shared/http.ts";
import { quoted } from "../shared/json.ts";
import { NESTED_FILES } from "../shared/model-files.ts";
import { type ByteSource, blobSource, type FileBytes, memorySource, type ReadOptions } from "./byte-source.ts";
import { decodeUtf8, parseJson, parseJsonUniqueKeys } from "./json.ts";
import { openUrl, type UrlOptions } from "./url-source.ts";

/** Limits on a small file, which is read whole. */
export interface TextOptions extends ReadOptions {
  /** Longer files are refused before they are read. Default 64 MiB; the largest tokenizers have about 35. */
  maxBytes?: number;
}

export interface JsonOptions extends TextOptions {
  /** Refuse an object that names a key twice. */
  uniqueKeys?: boolean;
}

export interface FileSize {
  readonly bytes: number;
  /** Bytes still to be stored; 0 for a file in memory. */
  readonly missingBytes: number;
}

/**
 * Files by their plain names, such as "config.json". Each method returns undefined for a missing file. It throws
 * RangeError for a name that is a path, FoveaError `download-failed` if the file cannot be read, and `aborted`.
 */
export interface ModelFolder {
  /** The origin of the files, for messages. */
  readonly location: string;
  /** The file or variant of the weights in the source. */
  readonly choice?: string | undefined;
  /** Names of all files; undefined if they are unknown, as at an address. Throws `download-failed` or `aborted`. */
  names(options?: ReadOptions): Promise<readonly string[] | undefined>;
  open(name: string, options?: ReadOptions): Promise<ByteSource | undefined>;
  /** Lengths of a file without opening it; absent without a listing. Throws as `names`. */
  sizeOf?(name: string, options?: ReadOptions): Promise<FileSize | undefined>;
  /** Announces the files that will be read, among several alternatives, for progress. */
  expect?(names: readonly string[], options?: ReadOptions): Promise<void>;
  /** The file as UTF-8 text. Throws `bad-weights` if it is too long or not UTF-8. */
  text(name: string, options?: TextOptions): Promise<string | undefined>;
  /** The file as JSON. Throws `bad-weights` if it is too long or not JSON; its shape is not checked. */
  json(name: string, options?: JsonOptions): Promise<unknown>;
}

const DEFAULT_MAX_BYTES = 64 << 20;

/**
 * True if an untrusted name is a file directly in the folder: no path, drive, scheme, or anything that could change an
 * address.
 */
export function isPlainFileName(name: string): boolean {
  return /^[^/\\:\p{Cc}\p{Cs}]{1,255}$/u.test(name) && name !== "." && name !== "..";
}

/**
 * The folder at an address, or of files in memory (file name -> bytes, which the caller keeps and must not change during
 * reads). Fetches nothing yet. Names may contain a path, as in a picked folder ("model/config.json"): files are found by
 * their last part, those nearest to the top first.
 *
 * @throws TypeError if the source is neither an absolute http(s) address nor such a record of files.
 */
export function openFolder(
  source: string | URL | Readonly<Record<string, FileBytes>>,
  options: Pick<UrlOptions, "retry"> & Pick<ModelFolder, "choice"> = {},
): ModelFolder {
  if (typeof source === "string" || source instanceof URL) return urlFolder(folderUrl(source), options);
  return filesFolder(source, options.choice);
}

/** A folder whose files are opened by `open`, which receives plain names only. */
export function makeFolder(
  location: string,
  open: ModelFolder["open"],
  listing: Partial<Pick<ModelFolder, "choice" | "names" | "sizeOf" | "expect">> = {},
): ModelFolder {
  const folder: ModelFolder = {
    location,
    choice: listing.choice,
    ...(listing.sizeOf && { sizeOf: listing.sizeOf }),
    ...(listing.expect && { expect: listing.expect }),
    names: async (options) => listing.names?.(options),
    async open(name, options) {
      if (!isPlainFileName(name)) throw new RangeError(`${quoted(name)} is not a plain file name`);
      return open(name, options);
    },
    async text(name, { maxBytes = DEFAULT_MAX_BYTES, signal } = {}) {
      const file = await folder.open(name, { signal });
      if (!file) return undefined;
      if (file.byteLength > maxBytes)
        throw new FoveaError(
          "bad-weights",
          `${name} in ${location}: ${file.byteLength} bytes, the limit is ${maxBytes}; check that it is the right file`,
        );
      const bytes = await file.read(0, file.byteLength, { signal });
      await file.finish?.({ signal });
      return decodeUtf8(bytes, `${name} in ${location}`);
    },
    async json(name, { uniqueKeys = false, ...options } = {}) {
      const text = await folder.text(name, options);
      if (text === undefined) return undefined;
      return (uniqueKeys ? parseJsonUniqueKeys : parseJson)(text, `${name} in ${location}`);
    },
  };
  return folder;
}

/** Checks an address and adds a slash at its end, so that names resolve inside it. Throws TypeError. */
export function folderUrl(source: string | URL): URL {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new TypeError(
      `${quoted(String(source))} is not a model; use a known name, owner/name on the Hugging Face hub, or the http(s) address of a folder`,
    );
  if (url.username !== "" || url.password !== "")
    throw new TypeError(`the address of ${addressText(url)} must not contain a user name or password`);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function urlFolder(base: URL, options: Pick<UrlOptions, "retry">): ModelFolder {
  return makeFolder(addressText(base), (name, { signal } = {}) => openAt(base, name, { ...options, signal }));
}

/**
 * Opens a file of the folder at an address; undefined if it does not exist. A nested file is looked for in its own
 * folder, then under its plain name. Throws as `openUrl`.
 */
export async function openAt(base: URL, name: string, options: UrlOptions) {
  const nested = Object.hasOwn(NESTED_FILES, name) && (await openUrl(urlOf(base, NESTED_FILES[name]!), name, options));
  return nested || openUrl(urlOf(base, [name]), name, options);
}

function urlOf(base: URL, path: readonly string[]): URL {
  const url = new URL(path.map(encodeURIComponent).join("/"), base);
  // A signed address has its signature in the query.
  url.search = base.search;
  return url;
}

function filesFolder(files: Readonly<Record<string, FileBytes>>, choice: string | undefined): ModelFolder {
  const byBaseName = new Map<string, { path: string; bytes: FileBytes }[]>();
  for (const [path, bytes] of checkedFiles(files)) {
    const base = nameOf(path);
    if (base === undefined) continue;
    const same = byBaseName.get(base);
    if (same) same.push({ path, bytes });
    else byBaseName.set(base, [{ path, bytes }]);
  }
  const location = "the given files";
  const open: ModelFolder["open"] = async (name) => {
    const depth = (path: string) => path.split(/[/\\]/).length;
    const found = byBaseName.get(name)?.toSorted((a, b) => depth(a.path) - depth(b.path));
    if (!found) return undefined;
    const [first, second] = found;
    if (second && depth(second.path) === depth(first!.path))
      throw new FoveaError(
        "bad-weights",
        `${name}: ${quoted(first!.path)} and ${quoted(second.path)} are both among ${location}; pass the files of one model`,
      );
    const { bytes } = first!;
    return isTagged(bytes, "Blob", "File") ? blobSource(name, bytes as Blob) : memorySource(name, bytes as Uint8Array);
  };
  const sizeOf: ModelFolder["sizeOf"] = async (name) => {
    const file = await open(name);
    return file && { bytes: file.byteLength, missingBytes: 0 };
  };
  return makeFolder(location, open, { choice, names: async () => [...byBaseName.keys()], sizeOf });
}

/** The name under which a file of the record is opened; undefined for one of a nested folder that no model reads. */
function nameOf(path: string): string | undefined {
  const [name, folder] = path.split(/[/\\]/).reverse();
  for (const [plain, nested] of Object.entries(NESTED_FILES))
    if (folder === nested[0]) return name === nested[1] ? plain : undefined;
  return name;
}

/** The entries of a record of files. Checks that each of them holds bytes. */
function checkedFiles(files: unknown): [string, FileBytes][] {
  if (!isTagged(files, "Object"))
    throw new TypeError(
      "source must be a known name, owner/name on the Hugging Face hub, an http(s) address, or an object of file name -> bytes",
    );
  const entries = Object.entries(files as Record<string, FileBytes>);
  for (const [path, bytes] of entries) {
    if (isTagged(bytes, "Blob", "File", "ArrayBuffer")) continue;
    if (isTagged(bytes, "Uint8Array") && isTagged((bytes as Uint8Array).buffer, "ArrayBuffer")) continue;
    throw new TypeError(`the file ${quoted(path)} must be a Blob, an ArrayBuffer or a Uint8Array, not shared memory`);
  }
  return entries;
}

/** True if a value is of one of these built-in classes, from any window or worker. */
function isTagged(value: unknown, ...tags: string[]): boolean {
  return tags.some((tag) => Object.prototype.toString.call(value) === `[object ${tag}]`);
}
