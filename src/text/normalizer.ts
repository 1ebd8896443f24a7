/**
 * The normalizers of tokenizer.json, as Hugging Face's Rust library (tokenizers 0.23) does them. They replace those
 * of @huggingface/tokenizers 0.2.0, whose BertNormalizer, Precompiled, Lowercase, Strip and Replace give different texts.
 */
import { Charsmap } from "./charsmap.ts";
import { asArray, asBoolean, asObject, asString, type JsonObject, reject, show } from "./json.ts";
import { type Pattern, parsePattern } from "./pattern.ts";
import { checkNormalized } from "./tokenizer-limits.ts";

export type Normalize = (text: string) => string;

/**
 * @param value the `normalizer` of tokenizer.json
 * @throws FoveaError `unsupported-model` that names the step
 */
export function parseNormalizer(value: unknown, where = "tokenizer.json: normalizer"): Normalize {
  if (value === null || value === undefined) return (text) => text;
  const step = asObject(value, where);
  switch (step.type) {
    case "Sequence": {
      const steps = asArray(step.normalizers, `${where}.normalizers`).map((inner, i) =>
        parseNormalizer(inner, `${where}.normalizers[${i}]`),
      );
      return (text) =>
        steps.reduce((result, normalize) => {
          const normalized = normalize(result);
          checkNormalized(result, normalized.length);
          return normalized;
        }, text);
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD": {
      const form = step.type;
      return (text) => text.normalize(form);
    }
    case "Lowercase":
      return lowercase;
    case "StripAccents":
      return (text) => text.replace(/\p{M}/gu, "");
    case "Strip":
      return strip(step, where);
    case "Prepend": {
      const prefix = asString(step.prepend, `${where}.prepend`);
      return (text) => {
        checkNormalized(text, prefix.length + text.length);
        return text === "" ? text : prefix + text;
      };
    }
    case "Replace": {
      const pattern = parsePattern(step.pattern, `${where}.pattern`);
      const content = asString(step.content ?? "", `${where}.content`);
      return (text) => replaceAll(text, pattern, content);
    }
    case "Nmt":
      return nmt;
    case "Precompiled": {
      const charsmap = Charsmap.parse(step.precompiled_charsmap, `${where}.precompiled_charsmap`);
      return (text) => charsmap.normalize(text);
    }
    case "BertNormalizer":
      return bert(step, where);
    default:
      return reject(where, `the normalizer ${show(step.type)} is not supported`);
  }
}

/** Throws RangeError before it builds a text that is too long. */
function replaceAll(text: string, pattern: Pattern, content: string): string {
  const parts: string[] = [];
  let done = 0;
  let length = text.length;
  for (const { start, end } of pattern.matches(text)) {
    length += content.length - (end - start);
    checkNormalized(text, length);
    parts.push(text.slice(done, start), content);
    done = end;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(done);
}

/** Lower-cases each character on its own, including a sigma at the end of a word. */
export function lowercase(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join("");
}

function strip(step: JsonObject, where: string): Normalize {
  const left = asBoolean(step.strip_left, `${where}.strip_left`, false);
  const right = asBoolean(step.strip_right, `${where}.strip_right`, false);
  return (text) => {
    const begun = left ? text.replace(/^\p{White_Space}+/u, "") : text;
    return right ? trimEnd(begun) : begun;
  };
}

/** Removes Unicode's white space from the end. A pattern would take quadratic time for a run of spaces. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

function nmt(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
      .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, "")
      .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ")
  );
}

/** Scripts in which BERT treats each character as a word. */
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
/** The marks of literal.ts, noncharacters themselves, stay. */
const UNCLEAN = /[\0\ufffd]|(?![\t\n\r\ufdd0-\ufdd2])[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu;

function bert(step: JsonObject, where: string): Normalize {
  const flag = (name: string, fallback: boolean) => asBoolean(step[name], `${where}.${name}`, fallback);
  const cleans = flag("clean_text", true);
  const separates = flag("handle_chinese_chars", true);
  const lowers = flag("lowercase", true);
  const strips = flag("strip_accents", lowers);
  return (text) => {
    let result = cleans ? text.replace(UNCLEAN, "").replace(/\p{White_Space}/gu, " ") : text;
    if (separates) result = result.replace(CHINESE, " $& ");
    if (strips) result = result.normalize("NFD").replace(/\p{Mn}/gu, "");
    return lowers ? lowercase(result) : result;
  };
}
