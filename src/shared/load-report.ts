/** What loading a model tells, and what it will take. Types only. */

export interface LoadProgress {
  stage: "config" | "weights" | "compile" | "ready";
  /** The file being read, if any. */
  file?: string;
  /** Bytes of all files that have come so far, from wherever: smaller than before if a damaged file is fetched again. */
  loadedBytes: number;
  /** Length of all files; grows in the stage "config" for models whose files nobody lists. */
  totalBytes: number;
  /**
   * "warning": something of the model was passed over or could not be done, as `message` says. It comes once. "fallback": the
   * model does not run here, and `message` says who answers instead, and why. It comes last.
   */
  type?: "warning" | "fallback";
  message?: string;
}

/** True if a model is likely to fit a GPU: "tight" where it takes most of the memory that such a device usually has. */
export type ModelFit = "fits" | "tight" | "too-large";

/** What loading a model will take. Sizes are in bytes. */
export interface ModelPlan {
  /** What was asked for, without what is secret in it. */
  source: string;
  family: string;
  parameters: number;
  /** Every file that loading reads. */
  files: { name: string; bytes: number; storedBytes: number }[];
  /** Length of all files. */
  totalBytes: number;
  /** What of them is on disk already. */
  storedBytes: number;
  /** What is to be downloaded. */
  downloadBytes: number;
  /** What the browser still lets this site store, as far as it tells. */
  freeStorageBytes: number | undefined;
  /** How weights will be kept: what was asked for, or what "auto" chooses by the limits of the device or adapter. */
  weights: string;
  /**
   * GPU memory that loading will allocate, to the byte: weights, KV cache, working memory, and their sum. `pictureBytes` is
   * what the costliest picture of the default budget takes besides while it is encoded, and `textBytes` what a batch of
   * texts takes in a model that embeds texts. The rows of earlier conversations take at most `keptBytes` besides.
   */
  gpu: {
    weightBytes: number;
    cacheBytes: number;
    workingBytes: number;
    totalBytes: number;
    pictureBytes: number;
    textBytes: number;
    keptBytes: number;
  };
  /** Positions in the KV cache that `cacheBytes` is for; 0 for a classifier. */
  contextLength: number;
  /** A guess from the device's largest buffer; undefined where no device is known. */
  fit?: ModelFit | undefined;
  /**
   * What will not fit, a sentence each with the numbers and what to change; empty if everything does. Whether the GPU has
   * as much memory in all no browser tells.
   */
  problems: string[];
  /**
   * Of GGUF files: the quantisations that the folder has, in the order of preference, with their lengths. `fits` is a guess from
   * the largest buffer of the device. `variant` or `source:name` chooses one.
   */
  variants?: { name: string; file: string; bytes: number; fits: boolean }[];
}
