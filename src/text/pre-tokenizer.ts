/**
 * The pre-tokenizers of tokenizer.json, which cut a text into words, as Hugging Face's Rust library (tokenizers 0.23)
 * does them. They replace those of @huggingface/tokenizers 0.2.0. Its Digits matches only ASCII digits, and its
 * ByteLevel and Whitespace use JavaScript's \s and \w. Its Metaspace never cuts words, and its Split cannot join a
 * match to a neighbour.
 */
import { asArray, asBoolean, asIndex, asObject, asString, type JsonObject, reject, show } from "./json.ts";
import { escapePattern } from "./literal.ts";
import { ownPattern, type Pattern, parsePattern } from "./pattern.ts";

/** Cuts a text into words. `isFirst`: the text begins the whole prompt. */
export type PreTokenize = (text: string, isFirst: boolean) => string[];

/** The treatments of a pattern's matches. */
const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
type Behavior = (typeof BEHAVIORS)[number];

/** GPT-2's words. */
const GPT2_WORDS = ownPattern(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+" +
    "|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+",
);
const NUMERIC = ownPattern("\\p{N}");
const SPACE = ownPattern("\\p{White_Space}");
/** In ASCII also what Unicode calls symbols. */
const PUNCTUATION = ownPattern("[\\p{P}!-/:-@\\[-`{-~]");
/** Rust's \w. */
export const WORD_CLASS = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
const WORDS = ownPattern(`[${WORD_CLASS}]+|[^${WORD_CLASS}\\p{White_Space}]+`);

/**
 * @param value the `pre_tokenizer` of tokenizer.json
 * @throws FoveaError `unsupported-model` that names the step
 */
export function parsePreTokenizer(value: unknown, where = "tokenizer.json: pre_tokenizer"): PreTokenize {
  if (value === null || value === undefined) return (text) => [text];
  const step = asObject(value, where);
  switch (step.type) {
    case "Sequence": {
      const steps = asArray(step.pretokenizers, `${where}.pretokenizers`).map((inner, i) =>
        parsePreTokenizer(inner, `${where}.pretokenizers[${i}]`),
      );
      return sequence(steps);
    }
    case "Split": {
      const found = parsePattern(step.pattern, `${where}.pattern`);
      const inverted = asBoolean(step.invert, `${where}.invert`, false);
      const behavior = behaviorOf(step, where, "missing");
      return (text) => split(text, found, behavior, inverted);
    }
    case "Digits": {
      const behavior = asBoolean(step.individual_digits, `${where}.individual_digits`, false)
        ? "Isolated"
        : "Contiguous";
      return (text) => split(text, NUMERIC, behavior);
    }
    case "Punctuation": {
      const behavior = behaviorOf(step, where, "Isolated");
      return (text) => split(text, PUNCTUATION, behavior);
    }
    case "Whitespace":
      return (text) => split(text, WORDS, "Removed", true);
    case "WhitespaceSplit":
      return (text) => split(text, SPACE, "Removed");
    case "CharDelimiterSplit": {
      const found = ownPattern(escapePattern(asString(step.delimiter, `${where}.delimiter`)));
      return (text) => split(text, found, "Removed");
    }
    case "BertPreTokenizer":
      return sequence([(text) => split(text, SPACE, "Removed"), (text) => split(text, PUNCTUATION, "Isolated")]);
    case "FixedLength": {
      const length = asIndex(step.length, `${where}.length`, 2 ** 20);
      if (length === 0) reject(`${where}.length`, "expected at least 1");
      return (text) => fixedLength(text, length);
    }
    case "ByteLevel":
      return byteLevel(step, where);
    case "Metaspace":
      return metaspace(step, where);
    default:
      return reject(where, `the type ${show(step.type)} is not supported; Split, Digits, ByteLevel and Metaspace are`);
  }
}

function sequence(steps: readonly PreTokenize[]): PreTokenize {
  return (text, isFirst) =>
    steps.reduce((words, step) => words.flatMap((word, i) => step(word, isFirst && i === 0)), [text]);
}

function behaviorOf({ behavior }: JsonObject, where: string, fallback: string): Behavior {
  const known = BEHAVIORS.find((name) => name === (behavior ?? fallback));
  return known ?? reject(`${where}.behavior`, `${show(behavior)} is not supported; ${BEHAVIORS.join(", ")} are`);
}

/** Cuts a text at the matches of `found`, or with `inverted` at the text between them. Never returns empty words. */
function split(text: string, found: Pattern, behavior: Behavior, inverted = false): string[] {
  const pieces: { text: string; isMatch: boolean }[] = [];
  const add = (start: number, end: number, isMatch: boolean) => {
    if (start < end) pieces.push({ text: text.slice(start, end), isMatch: isMatch !== inverted });
  };
  let end = 0;
  for (const match of found.matches(text)) {
    add(end, match.start, false);
    add(match.start, match.end, true);
    end = match.end;
  }
  add(end, text.length, false);
  if (behavior === "Removed") return pieces.filter(({ isMatch }) => !isMatch).map((piece) => piece.text);
  const words: string[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (i > 0 && joins(pieces[i - 1]!.isMatch, piece.isMatch, behavior)) words[words.length - 1] += piece.text;
    else words.push(piece.text);
  }
  return words;
}

/** True if two neighbours become one word. */
function joins(previous: boolean, next: boolean, behavior: Behavior): boolean {
  if (behavior === "MergedWithPrevious") return next && !previous;
  if (behavior === "MergedWithNext") return previous && !next;
  return behavior === "Contiguous" && previous === next;
}

function fixedLength(text: string, length: number): string[] {
  const characters = Array.from(text);
  const words: string[] = [];
  for (let start = 0; start < characters.length; start += length)
    words.push(characters.slice(start, start + length).join(""));
  return words;
}

/** GPT-2's printable character for each byte. */
const BYTE_CHARACTERS = Array.from({ length: 256 }, (_, byte) => {
  const isPrintable = (value: number) =>
    (value > 0x20 && value < 0x7f) || (value > 0xa0 && value < 0xad) || (value > 0xad && value < 0x100);
  if (isPrintable(byte)) return String.fromCharCode(byte);
  const before = Array.from({ length: byte }, (_, value) => value).filter((value) => !isPrintable(value)).length;
  return String.fromCharCode(0x100 + before);
});

function byteLevel(step: JsonObject, where: string): PreTokenize {
  const prefixed = asBoolean(step.add_prefix_space, `${where}.add_prefix_space`, true);
  const cuts = asBoolean(step.use_regex, `${where}.use_regex`, true);
  const encoder = new TextEncoder();
  const spelled = (word: string) => Array.from(encoder.encode(word), (byte) => BYTE_CHARACTERS[byte]).join("");
  return (text) => {
    const whole = prefixed && !text.startsWith(" ") ? ` ${text}` : text;
    return (cuts ? split(whole, GPT2_WORDS, "Isolated") : [whole]).map(spelled);
  };
}

function metaspace(step: JsonObject, where: string): PreTokenize {
  const mark = asString(step.replacement ?? "▁", `${where}.replacement`);
  // `add_prefix_space` is from before version 0.15.
  const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? "never" : "always");
  if (scheme !== "always" && scheme !== "first" && scheme !== "never")
    reject(`${where}.prepend_scheme`, `${show(scheme)} is not supported; always, first and never are`);
  const cuts = asBoolean(step.split, `${where}.split`, true);
  const found = ownPattern(escapePattern(mark));
  return (text, isFirst) => {
    const marked = text.replaceAll(" ", () => mark);
    const needsMark = !marked.startsWith(mark) && (scheme === "always" || (scheme === "first" && isFirst));
    const whole = needsMark ? mark + marked : marked;
    return cuts ? split(whole, found, "MergedWithNext") : [whole];
  };
}
