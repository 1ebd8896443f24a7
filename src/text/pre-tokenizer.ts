/**
 * The `pre_tokenizer` of tokenizer.json: cuts normalized text into the words that the model encodes one by one.
 * Matches the reference implementation (Hugging Face's Rust library). Not @huggingface/tokenizers' own classes: 0.2.0
 * takes every Split that is not "Removed" for "Isolated", joins punctuation, counts only ASCII digits, word characters
 * and spaces in places, and never splits at the metaspace.
 */
import { toByteCharacters } from "./byte-level.ts";
import { asArray, asBoolean, asObject, asString, type JsonObject, reject, show, typeOf } from "./json.ts";
import { compilePattern, translateOniguruma, WHITE_SPACE, WORD } from "./regex.ts";

/** Cuts one piece; `isFirst` where nothing of the text, special tokens included, comes before it. */
export type PreTokenizer = (text: string, isFirst: boolean) => readonly string[];

const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
type Behavior = (typeof BEHAVIORS)[number];

const GPT2_WORDS = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** @throws FoveaError `unsupported-model` for a type or field that is not known */
export function buildPreTokenizer(value: unknown, where = "tokenizer.json: pre_tokenizer"): PreTokenizer {
  if (value === null || value === undefined) return (text) => [text];
  const config = asObject(value, where);
  const type = typeOf(config, where);
  switch (type) {
    case "Sequence": {
      const steps = asArray(config.pretokenizers, `${where}.pretokenizers`).map((step, i) =>
        buildPreTokenizer(step, `${where}.pretokenizers[${i}]`),
      );
      return (text, isFirst) =>
        steps.reduce<readonly string[]>(
          (words, step) => words.flatMap((word, i) => step(word, isFirst && i === 0)),
          [text],
        );
    }
    case "Split": {
      const pattern = compilePattern(config.pattern, `${where}.pattern`);
      const behavior = behaviorOf(config.behavior, where, undefined);
      const invert = asBoolean(config.invert, `${where}.invert`, false);
      return (text) => split(text, pattern, behavior, invert);
    }
    case "ByteLevel":
      return byteLevel(config, where);
    case "Metaspace":
      return metaspace(config, where);
    case "Digits": {
      const single = asBoolean(config.individual_digits, `${where}.individual_digits`, false);
      return (text) => split(text, /\p{N}/gu, single ? "Isolated" : "Contiguous");
    }
    case "Punctuation": {
      const behavior = behaviorOf(config.behavior, where, "Isolated");
      return (text) => split(text, /[\p{P}!-/:-@[-`{-~]/gu, behavior);
    }
    case "Whitespace": {
      const words = new RegExp(`[${WORD}]+|[^${WORD}${WHITE_SPACE}]+`, "gu");
      return (text) => split(text, words, "Removed", true);
    }
    case "WhitespaceSplit": {
      const space = new RegExp(WHITE_SPACE, "gu");
      return (text) => split(text, space, "Removed");
    }
    default:
      return reject(where, `the pre-tokenizer type "${type}" is not supported`);
  }
}

function behaviorOf(value: unknown, where: string, fallback: Behavior | undefined): Behavior {
  const behavior = BEHAVIORS.find((name) => name === (value ?? fallback));
  return behavior ?? reject(`${where}.behavior`, `expected one of ${BEHAVIORS.join(", ")}, got ${show(value)}`);
}

/**
 * Cuts at the matches of a "gu" pattern. Matches stand alone ("Isolated"), vanish ("Removed"), join the neighbour
 * before or behind unless that is a match too, or each run of them is one word ("Contiguous").
 *
 * @param invert treat what is between the matches as the matches
 */
export function split(text: string, pattern: RegExp, behavior: Behavior, invert = false): string[] {
  const words: string[] = [];
  let previousIsMatch = false;
  let glueNext = "";
  for (const [piece, isMatch] of pieces(text, pattern, invert)) {
    const last = words.length - 1;
    const follows = last >= 0 && (behavior === "MergedWithPrevious" ? isMatch && !previousIsMatch : false);
    if (behavior === "Removed") {
      if (!isMatch) words.push(piece);
    } else if (follows || (behavior === "Contiguous" && last >= 0 && isMatch === previousIsMatch)) {
      words[last] += piece;
    } else if (behavior === "MergedWithNext" && isMatch) {
      // Only the last of a run of matches joins what follows it.
      if (glueNext !== "") words.push(glueNext);
      glueNext = piece;
    } else {
      words.push(glueNext + piece);
      glueNext = "";
    }
    previousIsMatch = isMatch;
  }
  if (glueNext !== "") words.push(glueNext);
  return words;
}

/** The text as an alternation of what is between matches and the matches, empty pieces left out. */
function* pieces(text: string, pattern: RegExp, invert: boolean): Generator<[string, boolean]> {
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) yield [text.slice(end, match.index), invert];
    if (match[0] !== "") yield [match[0], !invert];
    end = match.index + match[0].length;
  }
  if (end < text.length) yield [text.slice(end), invert];
}

function byteLevel(config: JsonObject, where: string): PreTokenizer {
  const addPrefixSpace = asBoolean(config.add_prefix_space, `${where}.add_prefix_space`, true);
  const words = asBoolean(config.use_regex, `${where}.use_regex`, true) ? translateOniguruma(GPT2_WORDS) : undefined;
  return (text) => {
    const prefixed = addPrefixSpace && !text.startsWith(" ") ? ` ${text}` : text;
    return (words ? split(prefixed, words, "Isolated") : [prefixed]).map(toByteCharacters);
  };
}

/**
 * "first" asks in the reference whether the piece began the raw text, which differs from here only where a normalizer or
 * an earlier step takes white space off the front; no known tokenizer combines them.
 */
function metaspace(config: JsonObject, where: string): PreTokenizer {
  const { replacement, prependScheme } = metaspaceFields(config, where);
  const splits = asBoolean(config.split, `${where}.split`, true);
  const pattern = compilePattern({ String: replacement }, `${where}.replacement`);
  return (text, isFirst) => {
    let replaced = text.replaceAll(" ", () => replacement);
    const prepends = prependScheme === "always" || (prependScheme === "first" && isFirst);
    if (prepends && !replaced.startsWith(replacement)) replaced = replacement + replaced;
    return splits ? split(replaced, pattern, "MergedWithNext") : [replaced];
  };
}

/** What the pre-tokenizer and the decoder of the type Metaspace have in common. */
export function metaspaceFields(config: JsonObject, where: string) {
  const replacement = asString(config.replacement ?? "▁", `${where}.replacement`);
  if ([...replacement].length !== 1) reject(`${where}.replacement`, `expected one character, got ${show(replacement)}`);
  // Files from before prepend_scheme say add_prefix_space instead.
  const oldScheme = asBoolean(config.add_prefix_space, `${where}.add_prefix_space`, true) ? "always" : "never";
  const prependScheme = config.prepend_scheme ?? oldScheme;
  if (prependScheme !== "always" && prependScheme !== "first" && prependScheme !== "never")
    reject(`${where}.prepend_scheme`, `expected "always", "first" or "never", got ${show(prependScheme)}`);
  return { replacement, prependScheme };
}
