/** Progress of loading a model, and the plan of it: files, bytes, GPU memory. Types only. */

export interface LoadProgress {
  stage: "config" | "weights" | "compile" | "ready";
  /** The file being read, if any. */
  file?: string;
  /** Bytes of all files read so far, from any source. It shrinks if a damaged file is fetched again. */
  loadedBytes: number;
  /** Length of all files. It grows in the stage "config" for models without a list of files. */
  totalBytes: number;
  /**
   * "warning": a part of the model was ignored or failed, as `message` says. It comes once. "fallback": the model does
   * not run here, and `message` says which server answers instead, and why. It comes last.
   */
  type?: "warning" | "fallback";
  message?: string;
}

/** True if a model is likely to fit a GPU: "tight" where it takes most of the memory that such a device usually has. */
export type ModelFit = "fits" | "tight" | "too-large";

/** The files, storage and GPU memory that loading a model needs. Sizes are in bytes. */
export interface ModelPlan {
  /** The requested source, without secrets. */
  source: string;
  family: string;
  parameters: number;
  /** Every file that loading reads. */
  files: { name: string; bytes: number; storedBytes: number }[];
  /** Length of all files. */
  totalBytes: number;
  /** Bytes of them that are on disk already. */
  storedBytes: number;
  /** Bytes to download. */
  downloadBytes: number;
  /** Bytes that this site may still store; undefined where the browser gives no figure. */
  freeStorageBytes: number | undefined;
  /** Format of the weights: the requested one, or the choice of "auto" by the limits of the device or adapter. */
  weights: string;
  /**
   * GPU memory that loading will allocate, to the byte: weights, KV cache, working memory, and their sum.
   * `pictureBytes` is added while the most expensive picture of the default budget is encoded; `textBytes` while a
   * batch of texts is embedded, in models that embed texts. The rows of earlier conversations take at most `keptBytes`
   * more.
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
   * Everything that will not fit, a sentence each with the numbers and the setting to change; empty if everything fits.
   * No browser reports the total memory of the GPU, so it is not checked.
   */
  problems: string[];
  /**
   * Of GGUF files: the quantisations that the folder has, in the order of preference, with their lengths. `fits` and
   * `fit` are guesses from the largest buffer of the device; `fit` is undefined where none is known. `variant` or
   * `source:name` chooses one.
   */
  variants?: { name: string; file: string; bytes: number; fits: boolean; fit?: ModelFit | undefined }[];
}
