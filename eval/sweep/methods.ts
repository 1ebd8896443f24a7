/**
 * The compression methods that a sweep compares. To add one, list its name and its compression for a number of image
 * tokens here. docs/adding-a-method.md shows how to add a method to the engine.
 */
import type { Compression } from "../../src/api.ts";

export interface SweptMethod {
  /** Name on the command line and in the report. */
  name: string;
  /**
   * The compression that keeps about `tokens` of a picture's `all` tokens; undefined if the method has none. The report
   * counts the tokens that were kept.
   */
  at(tokens: number, all: number): Compression | undefined;
}

export const METHODS: readonly SweptMethod[] = [
  { name: "vmtc", at: (tokens) => ({ method: "vmtc", tokens }) },
  { name: "drop", at: (tokens) => ({ method: "vmtc", tokens, clusters: 0 }) },
  { name: "fuse", at: (tokens) => ({ method: "vmtc", tokens, clusters: 1 }) },
  { name: "prune-last", at: (tokens) => ({ method: "prune-last", tokens }) },
  // One of its tokens is the sum of the dropped ones.
  { name: "prumerge", at: (tokens) => (tokens < 2 ? undefined : { method: "prumerge", tokens }) },
  { name: "diverse", at: (tokens) => ({ method: "diverse", tokens }) },
  { name: "uniform", at: (tokens) => ({ method: "uniform", tokens }) },
  { name: "pool", at: poolTo },
];

/** Pools squares of tokens, with the side that comes closest to the budget. */
function poolTo(tokens: number, all: number): Compression | undefined {
  const factor = Math.round(Math.sqrt(all / tokens));
  return factor < 2 ? undefined : { method: "pool", factor };
}
