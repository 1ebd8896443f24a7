/** What callers hear about models that are kept on disk. */

/** How the message of an error begins that says that there is none. */
export const NO_ROOM = "no room to store";

/** A model of which something is on disk. */
export interface StoredModel {
  /** What it was loaded by, without what is secret in an address. */
  source: string;
  /** Names of the files, and their bytes that are here. */
  files: { name: string; bytes: number }[];
  /** Bytes that are here. */
  bytes: number;
  /** Whether everything is here that loading it needs; otherwise the next load goes on with it. */
  complete: boolean;
  /** When the first of it was stored, as ISO 8601. */
  since: string;
}

/** The room that the browser gives to this site, in bytes, as far as it tells. */
export interface StorageReport {
  /** What the site may use in all; an estimate, which browsers blur. */
  quotaBytes: number | undefined;
  /** What it uses now, for whatever. */
  usageBytes: number | undefined;
  /** What is left. */
  freeBytes: number | undefined;
  /** Whether the browser keeps it when the machine runs out of room. It decides so itself, or asks the user. */
  persisted: boolean;
}
