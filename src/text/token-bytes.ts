/**
 * The bytes that each token adds to a text, independent of the text before it, for grammars and probabilities. A space
 * that decoding drops at the start of a text is kept here.
 */
import { asArray, asObject, asString, type JsonObject } from "./json.ts";

/** Bytes of a token's text in the vocabulary. */
export type TokenBytes = (token: string) => Uint8Array;

const UTF8 = new TextEncoder();

/**
 * @param json tokenizer.json
 * @returns undefined if a token's text depends on its neighbours: WordPiece, end-of-word suffixes, no decoder
 */
export function tokenBytesOf(json: JsonObject): TokenBytes | undefined {
  const model = asObject(json.model, "tokenizer.json: model");
  if (model.end_of_word_suffix || json.decoder === null || json.decoder === undefined) return undefined;
  const steps = flatten(asObject(json.decoder, "tokenizer.json: decoder"));
  if (steps.some(({ type }) => type === "ByteLevel")) return byteLevel;
  let hasFallback = false;
  const replaced: [string, string][] = [];
  for (const step of steps) {
    if (step.type === "ByteFallback") hasFallback = true;
    else if (step.type === "Metaspace") replaced.push([asString(step.replacement ?? "▁", "Metaspace"), " "]);
    else if (step.type === "Replace") {
      const { String: text } = asObject(step.pattern, "Replace: pattern");
      if (typeof text !== "string" || text === "") return undefined;
      replaced.push([text, asString(step.content, "Replace: content")]);
    } else if (step.type !== "Fuse" && step.type !== "Strip") return undefined;
  }
  return (token) => {
    const byte = hasFallback ? /^<0x([0-9A-Fa-f]{2})>$/.exec(token) : null;
    if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
    return UTF8.encode(replaced.reduce((text, [from, to]) => text.replaceAll(from, () => to), token));
  };
}

function flatten(decoder: JsonObject, depth = 0): JsonObject[] {
  if (decoder.type !== "Sequence" || depth > 8) return [decoder];
  const parts = asArray(decoder.decoders, "tokenizer.json: decoder.decoders");
  return parts.flatMap((part, i) => flatten(asObject(part, `decoder.decoders[${i}]`), depth + 1));
}

/** GPT-2's characters: printable bytes of Latin-1 are themselves, other bytes are characters from 256 on. */
const BYTE_OF = byteTable();

function byteTable(): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    table.set(String.fromCharCode(isPrintable ? byte : next++), byte);
  }
  return table;
}

function byteLevel(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTE_OF.get(character);
    if (byte !== undefined) bytes.push(byte);
    else bytes.push(...UTF8.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** Decodes tokens as UTF-8 and holds back an unfinished character. For answers in which every byte counts. */
export class ByteDecoder {
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** @param bytesOf bytes of an id; none for tokens without text */
  constructor(bytesOf: (id: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  push(id: number): string {
    return this.#decoder.decode(this.#bytesOf(id), { stream: true });
  }

  flush(): string {
    return this.#decoder.decode();
  }
}
