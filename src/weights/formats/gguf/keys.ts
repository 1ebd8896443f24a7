/** Reads the keys of one architecture, such as "qwen2.block_count", each with its bounds. */
import type { Metadata } from "./metadata.ts";

/** Bounds under which no product of sizes leaves the exact integers. */
export const MAX_SIZE = 1 << 24;
const MAX_LAYERS = 512;

export class Keys {
  readonly metadata: Metadata;
  /** Before every key: the architecture. */
  readonly #prefix: string;

  constructor(metadata: Metadata, prefix: string) {
    this.metadata = metadata;
    this.#prefix = prefix;
  }

  /** The whole name of a key. */
  name(key: string): string {
    return `${this.#prefix}.${key}`;
  }

  has(key: string): boolean {
    return this.metadata.has(this.name(key));
  }

  number(key: string): number | undefined {
    return this.metadata.number(this.name(key));
  }

  boolean(key: string): boolean | undefined {
    return this.metadata.boolean(this.name(key));
  }

  string(key: string): string | undefined {
    return this.metadata.string(this.name(key));
  }

  /** An integer from 1 on, or undefined. */
  size(key: string): number | undefined {
    return this.metadata.integer(this.name(key), 1, MAX_SIZE);
  }

  /** An integer from 1 on. Throws FoveaError `bad-weights` where it is missing. */
  neededSize(key: string): number {
    return this.size(key) ?? this.#missing(key);
  }

  layers(): number {
    return this.metadata.integer(this.name("block_count"), 1, MAX_LAYERS) ?? this.#missing("block_count");
  }

  /** A value for each layer: one number holds for all of them. */
  ofLayers(key: string, layers: number): number[] | undefined {
    const name = this.name(key);
    const value = this.metadata.numberOrList(name);
    if (value === undefined) return undefined;
    if (typeof value === "number") return new Array<number>(layers).fill(value);
    if (value.length !== layers)
      throw this.metadata.bad(`${name} has ${value.length} values, one for each of the ${layers} layers is needed`);
    return [...value];
  }

  /** A value that must be the same in all layers. */
  ofAllLayers(key: string, layers: number): number | undefined {
    const values = this.ofLayers(key, layers);
    if (values?.some((value) => value !== values[0]))
      throw this.metadata.bad(`${this.name(key)} differs from layer to layer, one value for all layers is needed`);
    return values?.[0];
  }

  #missing(key: string): never {
    throw this.metadata.bad(`${this.name(key)} is missing`);
  }
}
