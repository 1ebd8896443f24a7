/** A projector of a GGUF vision file: which model a language file and a vision file make together. */
import { shapeText } from "../../../../shared/shape.ts";
import type { GgufTensor } from "../container.ts";
import type { Keys } from "../keys.ts";
import type { LanguageNames } from "../language.ts";
import type { TowerNames } from "../tower-names.ts";

export interface ProjectorInput {
  /** Of "clip". */
  clip: Keys;
  /** Of the vision file. */
  tensors: ReadonlyMap<string, GgufTensor>;
  /** Fields of vision_config that all towers have. */
  vision: Record<string, unknown>;
  /** config.json of the language file. */
  text: Readonly<Record<string, unknown>>;
  /** Keys of the language file's architecture. */
  language: Keys;
  /** Id of a token of the language file. */
  tokenId(text: string): number | undefined;
}

/** Where a model has the tensors of a projector, and how the file stores them. */
export interface ProjectorLayout {
  tower: TowerNames;
  /** Before the tower's names. */
  towerPrefix: string;
  language: LanguageNames;
  /** Names of the projector's tensors, without ".weight" and ".bias". */
  names: Readonly<Record<string, string>>;
  /** The tensor that makes rows of the decoder's width, and which of its dimensions is that width. */
  last: readonly [name: string, dimension: 0 | 1];
  /** Added to the stored values of a tensor; the family counts from values without it. By the name in the file. */
  offsets?: Readonly<Record<string, number>>;
  /** Rows of queries and keys are stored with the two halves of each head interleaved. */
  permuted?: true;
  /** Tensors that repeat what the language file has. */
  repeated?: readonly string[];
}

export interface Projector {
  /** config.json of the model. */
  config(input: ProjectorInput): Record<string, unknown>;
  /** Fields of preprocessor_config.json beside mean and standard deviation. */
  preprocessor(input: ProjectorInput): Record<string, unknown>;
  layout(input: ProjectorInput): ProjectorLayout;
}

/** Id of the image token: of the text, or the first beyond the vocabulary. */
export function imageToken({ tokenId, text }: ProjectorInput, ...texts: string[]): number {
  return texts.map(tokenId).find((id) => id !== undefined) ?? (text.vocab_size as number);
}

export function scaleFactor({ clip }: ProjectorInput): number {
  return clip.neededSize("vision.projector.scale_factor");
}

/** A matrix. Throws FoveaError `bad-weights` where it is missing or none. */
export function neededMatrix({ clip, tensors }: ProjectorInput, name: string): GgufTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw clip.metadata.bad(`tensor "${name}" is missing`);
  if (tensor.shape.length !== 2)
    throw clip.metadata.bad(`tensor "${name}" is ${shapeText(tensor.shape)}, a matrix is needed`);
  return tensor;
}
