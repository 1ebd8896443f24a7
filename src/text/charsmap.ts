/**
 * SentencePiece's precompiled table of characters and their replacements (the normalizer Precompiled). Layout: the byte
 * length of a double-array trie (u32), the trie (u32 units), then the replacements, each ended by a zero byte. The trie
 * maps UTF-8 strings to offsets of replacements. Source: darts-clone and sentencepiece's normalizer.cc.
 */
import { asString, reject } from "./json.ts";

/** A grapheme of more bytes is replaced character by character only, as Rust's library does. */
const MAX_GRAPHEME_BYTES = 5;

/** A parsed table. */
export class Charsmap {
  readonly #trie: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

  /**
   * @param value base64
   * @throws FoveaError `unsupported-model` where it is malformed
   */
  static parse(value: unknown, where: string): Charsmap {
    const base64 = asString(value, where);
    let bytes: Uint8Array;
    try {
      bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    } catch (error) {
      return reject(where, "it is not base64; fetch the file again", error);
    }
    const view = new DataView(bytes.buffer);
    const trieBytes = bytes.length < 4 ? -1 : view.getUint32(0, true);
    if (trieBytes < 4 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length)
      reject(where, `a table of ${trieBytes} bytes in ${bytes.length}; the file is damaged`);
    const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    return new Charsmap(trie, bytes.subarray(4 + trieBytes));
  }

  private constructor(trie: Uint32Array, replacements: Uint8Array) {
    this.#trie = trie;
    this.#replacements = replacements;
  }

  normalize(text: string): string {
    let result = "";
    for (const { segment } of this.#graphemes.segment(text)) {
      const whole = this.#encoder.encode(segment);
      const replaced = whole.length <= MAX_GRAPHEME_BYTES ? this.#find(whole) : undefined;
      if (replaced !== undefined) result += replaced;
      else for (const character of segment) result += this.#find(this.#encoder.encode(character)) ?? character;
    }
    return result;
  }

  /** The replacement of the shortest beginning of `key` that has one. */
  #find(key: Uint8Array): string | undefined {
    let node = offsetOf(this.#unit(0));
    for (const byte of key) {
      node ^= byte;
      const unit = this.#unit(node);
      // The low byte and the top bit are the label of the edge that leads here.
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return this.#replacement(this.#unit(node) & 0x7fffffff);
    }
    return undefined;
  }

  /** Beyond the trie's end: a unit that no edge leads to. */
  #unit(index: number): number {
    return this.#trie[index] ?? 0x80000000;
  }

  #replacement(start: number): string {
    const end = this.#replacements.indexOf(0, start);
    return this.#decoder.decode(this.#replacements.subarray(start, end < 0 ? undefined : end));
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
