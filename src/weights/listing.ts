/**
 * A listing of a model's files, as published: names, lengths, hashes, addresses. Listings come from the manifest
 * (manifest.ts) and from a hub (hub.ts). They are untrusted, and checked here.
 */
import { FoveaError } from "../errors.ts";
import { quoted, shown } from "../shared/json.ts";
import { MAX_FILE_BYTES } from "./byte-source.ts";

/** A published hash: of the bytes, or git's id of them. */
export interface Digest {
  readonly algorithm: "sha256" | "git";
  /** Lower-case hex. */
  readonly hex: string;
}

export interface ListedFile {
  readonly name: string;
  readonly url: URL;
  readonly byteLength: number;
  readonly digest: Digest;
}

export interface ModelListing {
  /** The origin of the files, for messages. */
  readonly location: string;
  readonly files: ReadonlyMap<string, ListedFile>;
}

/** Most entries of a listing; no checkpoint has more. */
export const MAX_LISTED_FILES = 10_000;

const HEX_LENGTH = { sha256: 64, git: 40 } as const;

/**
 * A file of a listing. Checks its fields.
 *
 * @param where the listing, for the message
 * @throws FoveaError `download-failed`.
 */
export function listedFile(
  where: string,
  url: URL,
  fields: { name: string; byteLength: unknown; algorithm: Digest["algorithm"]; hex: unknown },
): ListedFile {
  const { name, byteLength, algorithm, hex } = fields;
  if (
    !Number.isSafeInteger(byteLength) ||
    (byteLength as number) < 0 ||
    (byteLength as number) > MAX_FILE_BYTES ||
    Object.is(byteLength, -0)
  )
    throw badListing(
      where,
      `the length of ${quoted(name)} is ${byteLength === undefined ? "missing" : shown(byteLength)}`,
    );
  if (typeof hex !== "string" || hex.length !== HEX_LENGTH[algorithm] || !/^[0-9a-f]+$/.test(hex))
    throw badListing(where, `${quoted(name)} has no ${algorithm === "git" ? "git id" : "SHA-256"}`);
  return { name, url, byteLength: byteLength as number, digest: { algorithm, hex } };
}

/** FoveaError `download-failed` for a listing with a mistake. */
export function badListing(where: string, message: string): FoveaError {
  return new FoveaError("download-failed", `${where}: ${message}; this is not a valid list of a model's files`);
}
