/**
 * The models that Fovea knows by name, from weights-manifest.json: their files, addresses and default options. The
 * manifest is the only place with addresses of weights.
 */
// By name, so that bundles leave out `suggested`, which only the page shows.
import { format, hub, models } from "../../weights-manifest.json" with { type: "json" };
import { FoveaError } from "../errors.ts";
import { isJsonObject, quoted, shown } from "../shared/json.ts";
import type { ModelAbout } from "../shared/model-about.ts";
import { shippedAddress } from "../shared/shipped-files.ts";
import type { ShippedFiles } from "../shared/shipped-package.ts";
import { isPlainFileName } from "./folder.ts";
import { isModelFile } from "./formats/registry.ts";
import { badListing, listedFile, type ModelListing } from "./listing.ts";

/** Options of loading for which a model may set defaults. */
export interface ModelDefaults {
  maxContext?: number;
}

export interface KnownModel {
  readonly id: string;
  /** Folder of the files: relative to the folder of models (`modelsUrl`), or an https address. Ends in a slash. */
  readonly location: string;
  readonly defaults: ModelDefaults;
  /** Default compression and inhibition of requests; the engine checks them. */
  readonly requestDefaults?: Readonly<Record<string, unknown>>;
  readonly about?: ModelAbout;
  /** Name, length in bytes and SHA-256 of each file. Empty for a model whose weights do not exist yet. */
  readonly files: readonly { name: string; bytes: number; sha256: string }[];
}

export interface Manifest {
  /** Address of the public hub; ends in a slash. */
  readonly hub: string;
  readonly models: ReadonlyMap<string, KnownModel>;
}

const FILE = "weights-manifest.json";

/** Checks a manifest. Throws FoveaError `download-failed` with the wrong field. */
export function parseManifest(json: unknown): Manifest {
  if (!isJsonObject(json) || json.format !== 1) throw badListing(FILE, "format must be 1");
  const { hub, models } = json;
  if (typeof hub !== "string" || !/^https:\/\/[^?#]+\/$/.test(hub))
    throw badListing(FILE, "hub must be an https address that ends in a slash");
  if (!isJsonObject(models)) throw badListing(FILE, "models must be an object");
  return { hub, models: new Map(Object.entries(models).map(([id, value]) => [id, parseModel(id, value)])) };
}

function parseModel(id: string, value: unknown): KnownModel {
  const where = `${FILE}, ${quoted(id)}`;
  if (!/^[a-z0-9][a-z0-9.-]{0,63}$/.test(id))
    throw badListing(where, "an id has only lower-case letters, digits, dots and dashes");
  if (!isJsonObject(value)) throw badListing(where, "no object");
  const { location, options, defaults, about, files } = value;
  const isRelative = typeof location === "string" && location.endsWith("/") && isPlainFileName(location.slice(0, -1));
  if (!isRelative && !(typeof location === "string" && /^https:\/\/[^?#]+\/$/.test(location)))
    throw badListing(where, "location must be a folder name or an https address, with a slash at its end");
  if (!isJsonObject(options)) throw badListing(where, "options is no object");
  const wrong = Object.keys(options).find((name) => name !== "maxContext");
  if (wrong !== undefined) throw badListing(where, `the option ${quoted(wrong)} cannot be preset`);
  if (defaults !== undefined && !isJsonObject(defaults)) throw badListing(where, "defaults must be an object");
  if (about !== undefined) checkAbout(about, where);
  if (!Array.isArray(files)) throw badListing(where, "files must be a list");
  const names = new Set<string>();
  for (const file of files) {
    const name = isJsonObject(file) ? file.name : undefined;
    if (typeof name !== "string" || !isModelFile(name))
      throw badListing(where, `${name === undefined ? "an entry without a name" : shown(name)} is not a model file`);
    if (names.has(name)) throw badListing(where, `${quoted(name)} is listed twice`);
    names.add(name);
    listedFile(where, new URL("file:///"), { name, byteLength: file.bytes, algorithm: "sha256", hex: file.sha256 });
  }
  const more = {
    ...(defaults && { requestDefaults: defaults }),
    ...(about !== undefined && { about: about as ModelAbout }),
  };
  return { id, location, defaults: options as ModelDefaults, ...more, files };
}

function checkAbout(about: unknown, where: string): void {
  const { note = "", maxPictures = 1 } = isJsonObject(about) ? about : { note: about };
  if (typeof note !== "string" || !Number.isInteger(maxPictures) || (maxPictures as number) < 1)
    throw badListing(where, "about must have a note that is a string, and maxPictures from 1");
}

let parsed: Manifest | undefined;

/** The manifest that this version of Fovea was built with. */
export function manifest(): Manifest {
  parsed ??= parseManifest({ format, hub, models });
  return parsed;
}

/**
 * The files of a known model.
 *
 * @param modelsUrl folder of the models' folders, if not the shipped place; ends in a slash
 * @param shipped addresses of shipped files, from `shippedFiles`
 * @throws FoveaError `download-failed` if this version has no weights of the model.
 */
export function listKnown(
  { id, location, files }: KnownModel,
  modelsUrl: URL | undefined,
  shipped?: ShippedFiles,
): ModelListing {
  if (files.length === 0)
    throw new FoveaError(
      "download-failed",
      `${quoted(id)} has no weights in this version of Fovea; load a model by hf:owner/name, its address or its files`,
    );
  const isShipped = modelsUrl === undefined && !URL.canParse(location);
  const addressOf = (name: string) =>
    isShipped
      ? shippedAddress(`${location}${name}`, shipped)
      : new URL(`${location}${encodeURIComponent(name)}`, modelsUrl);
  const listed = files.map(({ name, bytes, sha256 }) =>
    listedFile(FILE, addressOf(name), {
      name,
      byteLength: bytes,
      algorithm: "sha256",
      hex: sha256,
    }),
  );
  return { location: quoted(id), files: new Map(listed.map((file) => [file.name, file])) };
}
