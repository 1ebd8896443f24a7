/** Public types about models on disk. */

/** Start of the error message for missing disk space. */
export const NO_ROOM = "no room to store";

/** A model on disk, complete or partly downloaded. */
export interface StoredModel {
  /**
   * The source that it was loaded from, without secrets. An address's query is shown as the start of its SHA-256, as in
   * "https://host/model/?[0123456789ab]"; such a model is loaded by its own address only.
   */
  source: string;
  /** Names of the files, and their stored bytes. */
  files: { name: string; bytes: number }[];
  /** Stored bytes. */
  bytes: number;
  /** True if all files for loading are stored; otherwise the next load resumes the download. */
  complete: boolean;
  /** Time of the first stored byte, as ISO 8601. */
  since: string;
}

/** The browser's storage for this site, in bytes; undefined where it gives no figure. */
export interface StorageReport {
  /** Total space for the site; an estimate that browsers blur. */
  quotaBytes: number | undefined;
  /** Used space, for any purpose. */
  usageBytes: number | undefined;
  /** Free space. */
  freeBytes: number | undefined;
  /** True if the browser keeps the files when the disk fills up. It decides so itself, or asks the user. */
  persisted: boolean;
}
