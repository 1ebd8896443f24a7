/** How a model writes calls of tools: the interface of a convention. */

import type { TemplateCall } from "../../shared/past-calls.ts";
import type { CallForm, Tool } from "../../shared/tools.ts";

/** A call, as far as the text contains it. */
export interface ReadCall {
  name: string;
  /** The arguments as JSON: all of them, or their beginning. Never taken back by more text. */
  arguments: string;
  isWhole: boolean;
}

/** The calls in a text that begins with an opening. */
export interface Reading {
  /** Only the last one may not be whole. */
  calls: readonly ReadCall[];
  /** Characters up to the end of the last whole call; 0 without one. */
  used: number;
  /**
   * "open": more text may follow. "closed": the calls end at `used`. "broken": the text after `used` can never become a
   * call; `problem` says why. "text": the same, but without a problem.
   */
  state: "open" | "closed" | "broken" | "text";
  problem?: string;
}

export interface ToolConvention {
  /** For messages and tests. */
  readonly name: string;
  /** Texts that begin a call. They may be special tokens. */
  readonly openings: readonly string[];
  /** True if calls begin only at the answer's first character after white space. */
  readonly isAtStart?: boolean;
  /** Further texts within calls that may be special tokens. */
  readonly marks: readonly string[];
  /** Texts of tokens that end an answer, besides the model's own. */
  readonly ends?: readonly string[];
  /** Reads text from an opening on. Pure; a longer text never contradicts a shorter one. */
  read(text: string, tools: readonly Tool[]): Reading;
  /** Calls of an earlier answer, for templates that write none. */
  write(calls: readonly TemplateCall[]): string;
  /** The text of one call or, where `isParallel`, of several. */
  form(tools: readonly Tool[], isParallel: boolean): CallForm;
}
