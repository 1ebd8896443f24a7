/** A weight format is a value that recognises its files and opens them. registry.ts has the list. */
import type { ReadOptions } from "../byte-source.ts";
import type { Checkpoint } from "../checkpoint.ts";
import type { ModelFolder } from "../folder.ts";

/** One of several quantisations of a model in a folder. */
export interface ModelVariant {
  /** For example "Q4_K_M". */
  readonly name: string;
  /** All its parts, the first first. */
  readonly files: readonly string[];
}

/** How much fits, for a choice among quantisations that no caller made. */
export interface Room {
  /** Bytes of weights that are taken to fit the GPU. */
  readonly gpuBytes: number;
  /** Bytes that may be stored yet. */
  readonly storageBytes: number;
}

export interface OpenOptions extends ReadOptions {
  /** Asked only where it matters; without it everything fits. */
  room?: () => Promise<Room>;
}

/** A model in a folder, before its weights are looked at. */
export interface OpenedModel {
  /**
   * Descriptions and language files: the folder itself, or where a container describes its model, the same names made of
   * its metadata.
   */
  readonly folder: ModelFolder;
  /** The quantisations that the folder has, best first, where it can have several. */
  readonly variants?: readonly ModelVariant[];
  /** Choices that a person may want to know, a sentence each. */
  readonly notes: readonly string[];
  /**
   * Reads the headers of the weights.
   *
   * @param config the model's config.json, from `folder`
   * @throws FoveaError `bad-weights`, `unsupported-model`, `download-failed`, `aborted`
   */
  checkpoint(config: Readonly<Record<string, unknown>>, options: ReadOptions): Promise<Checkpoint>;
}

export interface WeightFormat {
  /** The field in which a hub describes a repository of this format, where config.json does not. */
  readonly hubField?: {
    readonly name: string;
    /** True if a repository with this value, untrusted, may be read. */
    isReadable(value: unknown): Promise<boolean>;
  };
  readonly name: string;
  /** True if a file of this name, without a path, can be part of the weights. These files are listed and stored. */
  isWeightFile(name: string): boolean;
  /**
   * The weight files that loading reads, of all names in a folder: what is counted before a load.
   *
   * @param choice the file or variant that the source names
   * @returns undefined where the folder has no weights of this format
   */
  pick(names: readonly string[], choice: string | undefined): readonly string[] | undefined;
  /** Opens a folder whose weights have this format; undefined for any other. Throws as `OpenedModel.checkpoint`. */
  open(folder: ModelFolder, options: OpenOptions): Promise<OpenedModel | undefined>;
}
