/**
 * The compression methods that a sweep compares. To add one, list it here: its name, and how it is asked for a number of
 * image tokens. docs/sweep.md shows how to add a method to the engine.
 */
import type { Compression } from "../../src/api.ts";

export interface SweptMethod {
  /** As on the command line and in the report. */
  name: string;
  /**
   * The compression that keeps about `tokens` of a picture's `all` tokens; undefined if the method has none. The report
   * counts the tokens that are really kept.
   */
  at(tokens: number, all: number): Compression | undefined;
}

export const METHODS: readonly SweptMethod[] = [
  { name: "vmtc", at: (tokens) => ({ method: "vmtc", tokens }) },
  { name: "drop", at: (tokens) => ({ method: "vmtc", tokens, clusters: 0 }) },
  { name: "fuse", at: (tokens) => ({ method: "vmtc", tokens, clusters: 1 }) },
  { name: "prune-last", at: (tokens) => ({ method: "prune-last", tokens }) },
  // One of its tokens is the sum of those that it drops.
  { name: "prumerge", at: (tokens) => (tokens < 2 ? undefined : { method: "prumerge", tokens }) },
  { name: "diverse", at: (tokens) => ({ method: "diverse", tokens }) },
  { name: "uniform", at: (tokens) => ({ method: "uniform", tokens }) },
  { name: "pool", at: poolTo },
];

/** Squares of tokens, as large as comes nearest to the budget. */
function poolTo(tokens: number, all: number): Compression | undefined {
  const factor = Math.round(Math.sqrt(all / tokens));
  return factor < 2 ? undefined : { method: "pool", factor };
}
