/** How a model writes calls of tools: the interface of a convention. */
import type { CallForm, Tool } from "../../shared/tools.ts";
import type { TemplateCall } from "../calls.ts";

/** A call as far as the text tells it. */
export interface ReadCall {
  name: string;
  /** The arguments as JSON: all of them, or their beginning. Never taken back by more text. */
  arguments: string;
  isWhole: boolean;
}

/** What a reader finds in text that begins with an opening. */
export interface Reading {
  /** Only the last one may not be whole. */
  calls: readonly ReadCall[];
  /** Characters up to the end of the last whole call; 0 without one. */
  used: number;
  /**
   * "open": more text may follow. "closed": the calls end at `used`. "broken": the text after `used` is no call, whatever
   * follows; `problem` says why. "text": it is no call either, and nothing is wrong with that.
   */
  state: "open" | "closed" | "broken" | "text";
  problem?: string;
}

export interface ToolConvention {
  /** For messages and tests. */
  readonly name: string;
  /** Texts that begin a call. They may be special tokens. */
  readonly openings: readonly string[];
  /** Calls begin at the answer's first character, white space aside, or not at all. */
  readonly isAtStart?: boolean;
  /** Further texts within calls that may be special tokens. */
  readonly marks: readonly string[];
  /** Texts of tokens that end an answer, beside the model's own. */
  readonly ends?: readonly string[];
  /** Reads text from an opening on. Pure; a longer text never contradicts a shorter one. */
  read(text: string, tools: readonly Tool[]): Reading;
  /** Calls of an earlier answer, for templates that write none. */
  write(calls: readonly TemplateCall[]): string;
  /** The text of one call or, where `isParallel`, of several. */
  form(tools: readonly Tool[], isParallel: boolean): CallForm;
}
