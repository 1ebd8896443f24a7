/**
 * The `decoder` of tokenizer.json as stages that work token by token: each takes a token and gives back the pieces that
 * are settled by then. Types that need all tokens at once, or that no generating model uses, are refused by name.
 */
import { fromByteCharacters } from "./byte-level.ts";
import { asArray, asIndex, asObject, asString, type JsonObject, reject, show, typeOf } from "./json.ts";
import { metaspaceFields } from "./pre-tokenizer.ts";
import { compilePattern } from "./regex.ts";

/** One step. It may hold back what later tokens can still change. */
export interface DecodeStage {
  push(piece: string): readonly string[];
  /** No more tokens will come: what was held back. */
  end(): readonly string[];
}

/** Makes the stages of one decoding; they have state. */
export type StageFactory = () => DecodeStage[];

/** @throws FoveaError `unsupported-model` for a type, a field or an order of steps that is not known */
export function buildDecodeStages(value: unknown): StageFactory {
  const where = "tokenizer.json: decoder";
  // Without a decoder the tokens are words.
  if (value === null || value === undefined) return () => [mapTokens((token, i) => (i === 0 ? token : ` ${token}`))];
  const makers: (() => DecodeStage)[] = [];
  addStages(value, where, makers, { isFused: false });
  return () => makers.map((make) => make());
}

/** `isFused`: from here on the pieces are fragments of one text, no longer tokens. */
function addStages(value: unknown, where: string, makers: (() => DecodeStage)[], state: { isFused: boolean }): void {
  const config = asObject(value, where);
  const type = typeOf(config, where);
  if (state.isFused && !["Sequence", "Fuse", "Strip"].includes(type))
    reject(where, `the decoder type "${type}" is supported on tokens only, not behind Fuse or ByteLevel`);
  switch (type) {
    case "Sequence":
      asArray(config.decoders, `${where}.decoders`).forEach((step, i) => {
        addStages(step, `${where}.decoders[${i}]`, makers, state);
      });
      return;
    case "Fuse":
      state.isFused = true;
      return;
    case "ByteLevel":
      makers.push(byteLevel);
      state.isFused = true;
      return;
    case "ByteFallback":
      makers.push(byteFallback);
      return;
    case "Replace": {
      const pattern = compilePattern(config.pattern, `${where}.pattern`);
      const content = asString(config.content, `${where}.content`);
      makers.push(() => mapTokens((token) => token.replace(pattern, () => content)));
      return;
    }
    case "Metaspace": {
      const { replacement, prependScheme } = metaspaceFields(config, where);
      makers.push(() =>
        // The first token loses its marks rather than turning them into spaces, all of them, as in the reference.
        mapTokens((token, i) => token.replaceAll(replacement, i === 0 && prependScheme !== "never" ? "" : " ")),
      );
      return;
    }
    case "Strip":
      makers.push(strip(config, where, state.isFused));
      return;
    default:
      reject(where, `the decoder type "${type}" is not supported`);
  }
}

function mapTokens(change: (token: string, index: number) => string): DecodeStage {
  let index = 0;
  return { push: (token) => [change(token, index++)], end: () => [] };
}

/** Bytes to text as they come; what is not UTF-8 becomes U+FFFD (as String::from_utf8_lossy does). */
function byteLevel(): DecodeStage {
  const decoder = utf8Decoder();
  return {
    push: (token) => [decoder.decode(fromByteCharacters(token), { stream: true })],
    end: () => [decoder.decode()],
  };
}

/**
 * Joins tokens like <0xE2> into characters. Where a run of them is not UTF-8, the reference turns every byte of the run,
 * good characters included, into U+FFFD; that is known only at the end of the run, so that emoji after emoji would have
 * to be held back. Here good characters stay and each bad part becomes one U+FFFD.
 */
function byteFallback(): DecodeStage {
  const decoder = utf8Decoder();
  return {
    push(token) {
      const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
      if (byte) return [decoder.decode(Uint8Array.of(Number.parseInt(byte[1]!, 16)), { stream: true })];
      return [decoder.decode(), token];
    },
    end: () => [decoder.decode()],
  };
}

function utf8Decoder(): TextDecoder {
  // A byte order mark inside an answer is text.
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

/** Takes up to `start` characters off the front and `stop` off the end, of each token or of the whole text. */
function strip(config: JsonObject, where: string, isFused: boolean): () => DecodeStage {
  const content = asString(config.content, `${where}.content`);
  if (content.length !== 1) reject(`${where}.content`, `expected one character, got ${show(content)}`);
  const start = asIndex(config.start, `${where}.start`, 1024);
  const stop = asIndex(config.stop, `${where}.stop`, 1024);
  if (isFused) return () => stripText(content, start, stop);
  return () =>
    mapTokens((token) => {
      const from = countLeading(token, content, start);
      return token.slice(from, token.length - countTrailing(token, content, stop));
    });
}

function stripText(content: string, start: number, stop: number): DecodeStage {
  let left = start;
  let held = "";
  return {
    push(fragment) {
      const cut = countLeading(fragment, content, left);
      // The first other character ends the stripping.
      left = cut < fragment.length ? 0 : left - cut;
      const text = held + fragment.slice(cut);
      const trailing = countTrailing(text, content, stop);
      held = text.slice(text.length - trailing);
      return [text.slice(0, text.length - trailing)];
    },
    end: () => [],
  };
}

function countLeading(text: string, character: string, most: number): number {
  let count = 0;
  while (count < most && text[count] === character) count++;
  return count;
}

function countTrailing(text: string, character: string, most: number): number {
  let count = 0;
  while (count < most && count < text.length && text[text.length - 1 - count] === character) count++;
  return count;
}
