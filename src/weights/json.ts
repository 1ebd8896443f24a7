/**
 * JSON from untrusted files: a failed parse names the file, and duplicate keys can be refused. Callers check the
 * values.
 */
import { FoveaError } from "../errors.ts";
import { isTooDeep, MAX_JSON_LEVELS, quoted } from "../shared/json.ts";
import { jsonProblem } from "../shared/misplaced-file.ts";

/**
 * Decodes UTF-8, without its byte order mark.
 *
 * @param file for the message
 * @throws FoveaError `bad-weights` if the bytes are not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FoveaError("bad-weights", `${file}: not UTF-8 text; fetch the file again`, { cause });
  }
}

/**
 * Parses JSON text.
 *
 * @throws FoveaError `bad-weights` with the file and the parser's message; also for values nested too deep to be read.
 */
export function parseJson(text: string, file: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FoveaError("bad-weights", `${file}: ${jsonProblem(text, cause)}`, { cause });
  }
  if (isTooDeep(value))
    throw new FoveaError(
      "bad-weights",
      `${file}: nested more than ${MAX_JSON_LEVELS} levels deep; fetch the file again`,
    );
  return value;
}

/**
 * Parses JSON text and refuses duplicate keys in an object. `JSON.parse` takes the last, other readers the first, so one
 * file could mean two things. The safetensors format forbids it.
 *
 * @throws FoveaError `bad-weights`, also for a duplicate key.
 */
export function parseJsonUniqueKeys(text: string, file: string): unknown {
  const value = parseJson(text, file);
  const key = doubledKey(text);
  if (key !== undefined)
    throw new FoveaError(
      "bad-weights",
      `${file}: the key ${quoted(key)} occurs twice in one object; fetch the file again`,
    );
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The first duplicate key of an object, in text that is valid JSON. One linear pass. */
function doubledKey(text: string): string | undefined {
  // Keys of the objects open at this point, innermost last. Arrays need no entry: a key belongs to the innermost open
  // object, and only strings before a colon are keys.
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === OPEN_BRACE) open.push(new Set());
    else if (code === CLOSE_BRACE) open.pop();
    else if (code === QUOTE) {
      const start = i;
      i = endOfString(text, i);
      if (!isBeforeColon(text, i + 1)) continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** Index of the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}

function isBeforeColon(text: string, start: number): boolean {
  let i = start;
  while (text.charCodeAt(i) <= 0x20) i++;
  return text.charCodeAt(i) === COLON;
}
