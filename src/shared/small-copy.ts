/** Small copies of models that the browser keeps: public types, and how such a copy is named. */

export interface SmallCopyOptions {
  /** Bits of the language model's layers: 4 or 8. Embeddings and a head of its own get 8 bits, pictures keep 16. */
  weights: "q4" | "q8";
  /** Names the copy of a model that is given as files; of others the name is their source. */
  name?: string;
  /** Deletes the stored original once the copy is complete. Default false. */
  replace?: boolean;
  /** As for `Fovea.load`, where the original comes from. "none" stores nothing but the copy. */
  cache?: "opfs" | "none";
  hubToken?: string;
  hubUrl?: string;
  modelsUrl?: string;
  variant?: string;
  /** Stops the work; the unfinished copy is deleted, and everything that was stored before stays. */
  signal?: AbortSignal;
  /** Called after each tensor. */
  onProgress?(progress: SmallCopyProgress): void;
}

export interface SmallCopyProgress {
  /** Tensors that are written, of how many. */
  tensors: number;
  ofTensors: number;
  /** Bytes of tensors that are written. */
  bytes: number;
}

/** A small copy on disk. */
export interface SmallCopy {
  /** Loads the copy, as any other source: "copy-q4:hf:owner/name". */
  source: string;
  /** Bytes of its files. */
  bytes: number;
  /** Bytes of the original's files. */
  originalBytes: number;
  /** True if the stored original was deleted. */
  replaced: boolean;
  /** Sentences about what a user may want to know, such as that the original was packed already. */
  notes: string[];
}

const COPY = /^copy-(q4|q8):(.+)$/s;

/** The source that loads a copy of the model that is stored as `original`. */
export function copySource(weights: SmallCopyOptions["weights"], original: string): string {
  return `copy-${weights}:${original}`;
}

/** How a source is shown to users: "hf:owner/name, 4 bits" for a copy. */
export function shownSource(source: string): string {
  const [, weights, original] = COPY.exec(source) ?? [];
  return original === undefined ? source : `${original}, ${weights === "q4" ? 4 : 8} bits`;
}

/** The original's source in that of a copy; undefined for any other source. */
export function originalOf(source: unknown): string | undefined {
  return typeof source === "string" ? COPY.exec(source.trim())?.[2] : undefined;
}
