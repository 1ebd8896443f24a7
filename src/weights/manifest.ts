/**
 * The models that Fovea knows by name, out of weights-manifest.json: which files they have, where these lie, and how
 * they are best loaded. The manifest is the only place that holds addresses of weights.
 */
import json from "../../weights-manifest.json" with { type: "json" };
import { FoveaError } from "../errors.ts";
import { isJsonObject, quoted } from "../shared/json.ts";
import { isPlainFileName } from "./folder.ts";
import { badListing, isModelFile, listedFile, type ModelListing } from "./listing.ts";

/** Options of loading for which a model may name its own defaults. */
export interface ModelDefaults {
  maxContext?: number;
}

export interface KnownModel {
  readonly id: string;
  /** Folder of the files: relative to the folder of models (`modelsUrl`), or an https address. Ends in a slash. */
  readonly location: string;
  readonly defaults: ModelDefaults;
  /** Compression and inhibition of requests that leave them out; the engine checks them. */
  readonly requestDefaults?: Readonly<Record<string, unknown>>;
  /** Name, length in bytes and SHA-256 of each file. Empty for a model whose weights do not exist yet. */
  readonly files: readonly { name: string; bytes: number; sha256: string }[];
}

export interface Manifest {
  /** Address of the public hub; ends in a slash. */
  readonly hub: string;
  readonly models: ReadonlyMap<string, KnownModel>;
}

const FILE = "weights-manifest.json";

/** Checks a manifest. Throws FoveaError `download-failed` naming what is wrong. */
export function parseManifest(json: unknown): Manifest {
  if (!isJsonObject(json) || json.format !== 1) throw badListing(FILE, "it is not of format 1");
  const { hub, models } = json;
  if (typeof hub !== "string" || !/^https:\/\/[^?#]+\/$/.test(hub))
    throw badListing(FILE, "hub is no https address that ends in a slash");
  if (!isJsonObject(models)) throw badListing(FILE, "models is no object");
  return { hub, models: new Map(Object.entries(models).map(([id, value]) => [id, parseModel(id, value)])) };
}

function parseModel(id: string, value: unknown): KnownModel {
  const where = `${FILE}, ${quoted(id)}`;
  if (!/^[a-z0-9][a-z0-9.-]{0,63}$/.test(id))
    throw badListing(where, "an id is of small letters, digits, dots and dashes");
  if (!isJsonObject(value)) throw badListing(where, "no object");
  const { location, options, defaults, files } = value;
  const isRelative = typeof location === "string" && location.endsWith("/") && isPlainFileName(location.slice(0, -1));
  if (!isRelative && !(typeof location === "string" && /^https:\/\/[^?#]+\/$/.test(location)))
    throw badListing(where, "location is neither the name of a folder nor an https address, with a slash at its end");
  if (!isJsonObject(options)) throw badListing(where, "options is no object");
  const wrong = Object.keys(options).find((name) => name !== "maxContext");
  if (wrong !== undefined) throw badListing(where, `the option ${quoted(wrong)} cannot be preset`);
  if (defaults !== undefined && !isJsonObject(defaults)) throw badListing(where, "defaults is no object");
  if (!Array.isArray(files)) throw badListing(where, "files is no list");
  const names = new Set<string>();
  for (const file of files) {
    const name = isJsonObject(file) ? file.name : undefined;
    if (typeof name !== "string" || !isModelFile(name))
      throw badListing(where, `${quoted(String(name))} is no model file`);
    if (names.has(name)) throw badListing(where, `${quoted(name)} is listed twice`);
    names.add(name);
    listedFile(where, new URL("file:///"), { name, byteLength: file.bytes, algorithm: "sha256", hex: file.sha256 });
  }
  const requestDefaults = defaults && { requestDefaults: defaults };
  return { id, location, defaults: options as ModelDefaults, ...requestDefaults, files };
}

let parsed: Manifest | undefined;

/** The manifest that this version of Fovea was built with. */
export function manifest(): Manifest {
  parsed ??= parseManifest(json);
  return parsed;
}

/**
 * Where the folders of known models lie unless the caller says otherwise: beside the built library, which is how the
 * package carries them, and in the page's own folder for the site. Builds say it; the sources have them in `public`.
 *
 * @param here Address of this module. A bundler that sees it in one expression with a path would look for a file to pack.
 */
function defaultModelsUrl(here: string): URL {
  return new URL(import.meta.env.VITE_MODELS_PATH, here);
}

/**
 * The files of a known model.
 *
 * @param modelsUrl Folder of the models' folders, if not where the library has them; ends in a slash.
 * @throws FoveaError `download-failed` if there are none yet.
 */
export function listKnown({ id, location, files }: KnownModel, modelsUrl: URL | undefined): ModelListing {
  if (files.length === 0)
    throw new FoveaError(
      "download-failed",
      `${quoted(id)} has no weights yet: this version of Fovea comes without them; load a model by its address, hub id or files`,
    );
  const base = new URL(location, modelsUrl ?? defaultModelsUrl(import.meta.url));
  const listed = files.map(({ name, bytes, sha256 }) =>
    listedFile(FILE, new URL(encodeURIComponent(name), base), {
      name,
      byteLength: bytes,
      algorithm: "sha256",
      hex: sha256,
    }),
  );
  return { location: `${quoted(id)} at ${base.href}`, files: new Map(listed.map((file) => [file.name, file])) };
}
