/**
 * A model's published files: of the manifest, of a hub, or in a folder at an address. Finds files by name, with their
 * known lengths and hashes. open-model.ts stores them.
 */
import { FoveaError } from "../errors.ts";
import { addressText, plainAddress } from "../shared/http.ts";
import { quoted } from "../shared/json.ts";
import { shippedFiles } from "../shared/shipped-files.ts";
import { originalOf } from "../shared/small-copy.ts";
import { absoluteAddress, sourceName, splitChoice } from "../shared/source.ts";
import type { ByteSource, ReadOptions } from "./byte-source.ts";
import { findCopy } from "./copies.ts";
import { folderUrl, openAt } from "./folder.ts";
import { filesToLoad } from "./formats/registry.ts";
import { textSha256 } from "./hash.ts";
import { parseHubName } from "./hub-name.ts";
import type { Digest, ModelListing } from "./listing.ts";
import { openLocalFile } from "./local-file.ts";
import { type KnownModel, listKnown, manifest } from "./manifest.ts";
import { type RetryPolicy, TransientFailure } from "./retry.ts";
import type { ModelKey } from "./store.ts";
import { openUrl, type UrlOptions } from "./url-source.ts";

/** A published file. */
export interface PublishedFile {
  readonly byteLength: number;
  readonly digest?: Digest | undefined;
  readonly validator?: string | undefined;
  open(options: ReadOptions): Promise<ByteSource>;
}

export interface AskOptions extends ReadOptions {
  /** Instead of the model's own policy. */
  retry?: RetryPolicy | undefined;
}

export interface PublishedModel {
  readonly key: ModelKey;
  /** For a model that is only on disk: its current place, instead of `key`; undefined if it is gone. */
  findStored?(): Promise<ModelKey | undefined>;
  /** For messages. */
  readonly location: string;
  /** The next step if the stored copy is damaged and no server answers, for messages. */
  readonly repair: string;
  /** The file or variant of the weights in the source or the options. */
  readonly choice?: string | undefined;
  /** Length of all files that loading needs; undefined without a published list. */
  totalBytes(options: AskOptions): Promise<number | undefined>;
  /** Names of all files; absent without a published list. */
  names?(options: AskOptions): Promise<readonly string[]>;
  /** The file of this name; undefined if it does not exist. Throws `download-failed` or `aborted`. */
  find(name: string, options: AskOptions): Promise<PublishedFile | undefined>;
}

/** Addresses and access for models that are named by id. */
export interface AccessOptions {
  hubUrl?: string | undefined;
  hubToken?: string | undefined;
  modelsUrl?: string | undefined;
  /** The file or variant of the weights, if the source has none. */
  variant?: string | undefined;
  retry?: RetryPolicy | undefined;
}

/** The manifest's model of this name; undefined for any other source. */
export function knownModel(source: unknown): KnownModel | undefined {
  return typeof source === "string" ? manifest().models.get(sourceName(source)) : undefined;
}

/** Resolves a source. Fetches nothing yet. Throws TypeError for a source that is not a model. */
export function publishedModel(source: string | URL, options: AccessOptions): PublishedModel {
  const known = knownModel(source);
  const original = originalOf(source);
  if (original !== undefined) return storedCopy(String(source).trim(), original);
  if (known)
    return listedModel(`${known.id}`, "", () => listInstalled(known, optionalFolder(options.modelsUrl)), options);
  const { folder, choice = options.variant } = splitChoice(sourceName(String(source)));
  if (choice !== options.variant && options.variant !== undefined)
    throw new TypeError(
      `variant is ${quoted(options.variant)}, but the source names ${quoted(choice!)}; leave one out`,
    );
  if (folder.startsWith("hf:")) {
    const model = parseHubName(folder);
    const hubUrl = hubAddress(options.hubUrl);
    const list = async ({ signal, retry = options.retry }: AskOptions) => {
      const { listHub } = await import("./hub.ts");
      return listHub(model, { hubUrl, token: options.hubToken, retry, signal });
    };
    return listedModel(withChoice(folder, choice), plainAddress(hubUrl), list, { ...options, variant: choice });
  }
  return urlModel(folderUrl(folder), { ...options, variant: choice });
}

async function listInstalled(known: KnownModel, modelsUrl: URL | undefined): Promise<ModelListing> {
  return listKnown(known, modelsUrl, modelsUrl ? undefined : await shippedFiles());
}

/** The name under which a source is stored. Throws TypeError for an address with a password. */
export function storedName(source: string): string {
  const name = sourceName(source);
  if (!/^https?:/.test(name)) return name;
  const { folder, choice } = splitChoice(name);
  return addressKey(folderUrl(folder), choice).source;
}

/** The hub's address, with a slash at its end; default the manifest's. */
export function hubAddress(url: string | undefined): URL {
  return optionalFolder(url) ?? new URL(manifest().hub);
}

function withChoice(source: string, choice: string | undefined): string {
  return choice === undefined ? source : `${source}:${choice}`;
}

/** The next step if a damaged file can be fetched again. */
const ONLINE = "load again once you are online";

/** The next step if a known model's files are not found. */
const SERVE_MODELS =
  "install the package fovea-demo-model, or copy its folder fovea-demo to your site and pass the address of the folder around it as modelsUrl";

function optionalFolder(url: string | undefined): URL | undefined {
  return url === undefined ? undefined : folderUrl(absoluteAddress(url));
}

/** A listing, and the options of requests for its files. */
type Listing = ModelListing & Pick<UrlOptions, "headers" | "refusalHint">;

function listedModel(
  source: string,
  origin: string,
  list: (options: AskOptions) => Promise<Listing>,
  { retry, variant }: AccessOptions,
): PublishedModel {
  let listing: Promise<Listing> | undefined;
  const listed = (options: AskOptions) => {
    listing ??= list(options);
    return listing.catch((error) => {
      // The next call asks again.
      listing = undefined;
      throw error;
    });
  };
  return {
    key: { source, origin },
    location: source,
    repair: ONLINE,
    choice: variant,
    async totalBytes(options) {
      const { files } = await listed(options);
      return filesToLoad([...files.keys()], variant).reduce((sum, name) => sum + files.get(name)!.byteLength, 0);
    },
    async names(options) {
      return [...(await listed(options)).files.keys()];
    },
    async find(name, options) {
      const { files, headers, refusalHint } = await listed(options);
      const file = files.get(name);
      if (!file) return undefined;
      const { url, byteLength, digest } = file;
      const open = async ({ signal }: ReadOptions) => {
        const request: UrlOptions = { signal, retry, headers, refusalHint, httpCache: "no-store" };
        const opened = url.protocol === "file:" ? await openLocalFile(url, name) : await openUrl(url, name, request);
        if (opened?.byteLength === byteLength) return opened;
        // Known models have no origin. A bundler may have moved the library away from their files; many servers then
        // answer with the page itself.
        const isKnown = origin === "";
        throw opened
          ? new FoveaError(
              "hash-mismatch",
              `${name}: ${opened.byteLength} bytes at ${addressText(url)}, expected ${byteLength}; ${isKnown ? SERVE_MODELS : "try again later, or load from another server"}`,
            )
          : new FoveaError(
              "download-failed",
              `${name}: no file at ${addressText(url)}; ${isKnown ? SERVE_MODELS : "try again later"}`,
            );
      };
      return { byteLength, digest, open };
    },
  };
}

/**
 * The key of a folder at an address: the whole address, because a server may choose the model by the query. A query may
 * also contain a secret, so only its hash is stored.
 */
function addressKey(base: URL, choice?: string): ModelKey {
  const { search } = base;
  const hash = search === "" ? "" : textSha256(search);
  // A file's name follows its folder, as in its own address.
  return { source: `${plainAddress(base)}${choice ?? ""}${hash && `?[${hash.slice(0, 12)}]`}`, origin: hash };
}

function urlModel(base: URL, { retry: ownRetry, variant }: AccessOptions): PublishedModel {
  return {
    key: addressKey(base, variant),
    location: addressText(base),
    repair: ONLINE,
    choice: variant,
    async totalBytes() {
      return undefined;
    },
    async find(name, { signal, retry = ownRetry }) {
      const opened = await openAt(base, name, { signal, retry, httpCache: "no-store" });
      if (!opened) return undefined;
      return { byteLength: opened.byteLength, validator: opened.validator, open: async () => opened };
    },
  };
}

/** A small copy, which exists only on disk. It behaves like a stored model whose server cannot be reached. */
function storedCopy(source: string, original: string): PublishedModel {
  const nobody = async (): Promise<never> => {
    throw new FoveaError(
      "download-failed",
      `${source} is not stored in this browser: a small copy is made on each device; load ${original}, and make the copy again`,
      { cause: new TransientFailure("nobody publishes a copy") },
    );
  };
  return {
    key: { source, origin: "copy" },
    findStored: () => findCopy(source),
    location: source,
    repair: `make the copy again from ${original}`,
    totalBytes: nobody,
    names: nobody,
    find: nobody,
  };
}
