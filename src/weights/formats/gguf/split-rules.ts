/**
 * How byte-level tokenizers cut a text into words before merging, by the name that `tokenizer.ggml.pre` has for each. The
 * patterns are those of the models' own tokenizer.json files. A wrong one gives wrong answers without a sign, so unknown
 * names are refused.
 */
import { quoted } from "../../../shared/json.ts";
import { unsupportedGguf } from "./header-reader.ts";
import type { Metadata } from "./metadata.ts";

/** A step of a pre-tokenizer in a tokenizer.json. */
export type Step = Readonly<Record<string, unknown>>;

export interface SplitRule {
  steps: readonly Step[];
  normalizer?: Step;
  /** A word that is a token is taken whole, before any merge. */
  wholeWords?: true;
  /** Where the file does not say so. */
  addsBos?: true;
}

const split = (Regex: string): Step => ({
  type: "Split",
  pattern: { Regex },
  behavior: "Isolated",
  invert: false,
});
const bytes = (cuts: boolean): Step => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: cuts,
});
const DIGITS: Step = { type: "Digits", individual_digits: true };
const NFC: Step = { type: "NFC" };

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Of so many digits at once at most. */
const words = (digits: string) =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`;

/** Letters with their marks. */
const MARKED = `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`;

const UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
/** Words that end where small letters turn to capitals. */
const BY_CASE =
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*` +
  `|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;

/** The same, with contractions at their ends. */
const BY_CASE_4O =
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${CONTRACTIONS}?|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${CONTRACTIONS}?` +
  `|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;

const GPT2: SplitRule = { steps: [bytes(true)] };
const DIGITS_APART: SplitRule = { steps: [DIGITS, bytes(true)] };
const LLAMA3: SplitRule = {
  steps: [split(words("\\p{N}{1,3}")), bytes(false)],
  wholeWords: true,
  addsBos: true,
};
const LLAMA3_MERGED: SplitRule = { steps: LLAMA3.steps };
const QWEN2: SplitRule = { steps: [split(words("\\p{N}")), bytes(false)], normalizer: NFC };
/** As Qwen 2's, without its normalizer. */
const STABLELM2: SplitRule = { steps: QWEN2.steps };
const GPT4O: SplitRule = { steps: [split(BY_CASE_4O), bytes(false)] };
const QWEN35: SplitRule = { steps: [split(MARKED), bytes(false)], normalizer: NFC };
const TEKKEN: SplitRule = { steps: [split(BY_CASE), bytes(false)], wholeWords: true, addsBos: true };

const RULES: Readonly<Record<string, SplitRule>> = {
  ...{ "gpt-2": GPT2, "phi-2": GPT2, mpt: GPT2, olmo: GPT2, "granite-docling": GPT2 },
  ...{ smollm: DIGITS_APART, starcoder: DIGITS_APART, "command-r": DIGITS_APART },
  ...{ refact: DIGITS_APART, codeshell: DIGITS_APART, "minerva-7b": DIGITS_APART },
  ...{ "llama-bpe": LLAMA3, llama3: LLAMA3, "llama-v3": LLAMA3, lfm2: LLAMA3, falcon3: LLAMA3, pixtral: LLAMA3 },
  ...{ "smaug-bpe": LLAMA3_MERGED, dbrx: LLAMA3_MERGED, stablelm2: STABLELM2, "gpt-4o": GPT4O, llama4: GPT4O },
  ...{ qwen2: QWEN2, "deepseek-r1-qwen": QWEN2, qwen35: QWEN35, tekken: TEKKEN },
};

/** The rule of a file. Throws FoveaError `unsupported-model` for a name that is not known. */
export function splitRule(metadata: Metadata): SplitRule {
  const key = "tokenizer.ggml.pre";
  const name = metadata.string(key) ?? "default";
  if (Object.hasOwn(RULES, name)) return RULES[name]!;
  const known = Object.keys(RULES).join(", ");
  throw unsupportedGguf(
    metadata.file,
    name === "default"
      ? `${key} is missing or "default": the file is too old to say how its tokenizer cuts words; use a newer conversion of the model`
      : `${key} ${quoted(name)} is unknown, and a wrong rule gives wrong answers without a sign; known are ${known}`,
  );
}
