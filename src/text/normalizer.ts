/**
 * The `normalizer` of tokenizer.json: what is done to text before it is cut into words. Matches the reference
 * implementation (Hugging Face's Rust library); types that only encoder models use are refused by name.
 */
import { asArray, asBoolean, asObject, asString, type JsonObject, reject, typeOf } from "./json.ts";
import { compilePattern, WHITE_SPACE } from "./regex.ts";

export type Normalizer = (text: string) => string;

/** @throws FoveaError `unsupported-model` for a type or field that is not known */
export function buildNormalizer(value: unknown, where = "tokenizer.json: normalizer"): Normalizer {
  if (value === null || value === undefined) return (text) => text;
  const config = asObject(value, where);
  const type = typeOf(config, where);
  switch (type) {
    case "Sequence":
      return sequence(config, where);
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return (text) => text.normalize(type);
    case "Lowercase":
      return lowercase;
    case "StripAccents":
      return (text) => text.replace(/\p{M}/gu, "");
    case "Prepend": {
      const prefix = asString(config.prepend, `${where}.prepend`);
      return (text) => (text === "" ? "" : prefix + text);
    }
    case "Replace": {
      const pattern = compilePattern(config.pattern, `${where}.pattern`);
      const content = asString(config.content, `${where}.content`);
      // A function, since "$" in a replacement string is an instruction.
      return (text) => text.replace(pattern, () => content);
    }
    case "Strip":
      return strip(config, where);
    default:
      return reject(where, `the normalizer type "${type}" is not supported`);
  }
}

function sequence(config: JsonObject, where: string): Normalizer {
  const steps = asArray(config.normalizers, `${where}.normalizers`).map((step, i) =>
    buildNormalizer(step, `${where}.normalizers[${i}]`),
  );
  return (text) => steps.reduce((result, step) => step(result), text);
}

function strip(config: JsonObject, where: string): Normalizer {
  const left = asBoolean(config.strip_left, `${where}.strip_left`, true);
  const right = asBoolean(config.strip_right, `${where}.strip_right`, true);
  const start = new RegExp(`^${WHITE_SPACE}+`, "u");
  return (text) => {
    const from = left ? (start.exec(text)?.[0].length ?? 0) : 0;
    let to = text.length;
    // By hand: a pattern anchored at the end tries every run of spaces, which is quadratic.
    while (right && to > from && isWhiteSpace(text[to - 1]!)) to--;
    return text.slice(from, to);
  };
}

/** Whether a UTF-16 code unit is white space (all white space lies in the basic plane). */
export function isWhiteSpace(unit: string): boolean {
  return /^\p{White_Space}$/u.test(unit);
}

/** Character by character as Rust does: JavaScript alone writes a sigma at the end of a word as ς. */
function lowercase(text: string): string {
  return text
    .split("Σ")
    .map((part) => part.toLowerCase())
    .join("σ");
}
