/**
 * Byte-pair encoding of one word, as in the reference implementation (Hugging Face's Rust library): the pair of lowest
 * rank is merged first, the leftmost of equals. Validates vocabulary and merges; knows nothing of how text became words.
 *
 * Not @huggingface/tokenizers' class: 0.2.0 cuts a merge of three parts down to two without a word, checks no merge
 * against the vocabulary, ignores `continuing_subword_prefix`, and takes 12 s for 1 MB of English with the Llama
 * vocabulary (one word, as there is no pre-tokenizer), where this takes 1 s.
 */
import { asArray, asBoolean, asString, type JsonObject, reject, show } from "./json.ts";
import { MinHeap } from "./min-heap.ts";
import type { Vocabulary } from "./vocabulary.ts";
import type { WordModel } from "./word-model.ts";

/** A queue entry is rank * POSITIONS + position: exact in a double up to 2^21 ranks. */
const POSITIONS = 2 ** 32;
const MAX_MERGES = 2 ** 21;
/** Words longer than this are hardly met twice. */
const CACHED_WORD_LENGTH = 64;
const CACHED_WORDS = 20_000;

export class BpeModel implements WordModel {
  readonly #vocabulary: ReadonlyMap<string, number>;
  /** Rank of a pair of ids, left * stride + right. */
  readonly #ranks = new Map<number, number>();
  /** Id that a merge results in, by rank. */
  readonly #results: Int32Array;
  readonly #stride: number;
  readonly #unknownToken: string | undefined;
  readonly #fuseUnknown: boolean;
  readonly #byteFallback: boolean;
  readonly #ignoreMerges: boolean;
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #cache = new Map<string, readonly number[]>();

  /**
   * @param model the `model` of tokenizer.json
   * @param vocabulary its checked vocabulary
   * @throws FoveaError `unsupported-model` that names the first bad merge or field
   */
  constructor(model: JsonObject, vocabulary: Vocabulary, where = "tokenizer.json: model") {
    this.#vocabulary = vocabulary.idOf;
    this.#unknownToken = optionalText(model.unk_token, `${where}.unk_token`) || undefined;
    this.#prefix = optionalText(model.continuing_subword_prefix, `${where}.continuing_subword_prefix`);
    this.#suffix = optionalText(model.end_of_word_suffix, `${where}.end_of_word_suffix`);
    this.#fuseUnknown = asBoolean(model.fuse_unk, `${where}.fuse_unk`, false);
    this.#byteFallback = asBoolean(model.byte_fallback, `${where}.byte_fallback`, false);
    this.#ignoreMerges = asBoolean(model.ignore_merges, `${where}.ignore_merges`, false);
    if (model.dropout) reject(`${where}.dropout`, `${show(model.dropout)}: random merges are for training only`);

    this.#stride = vocabulary.tokens.length;
    const merges = asArray(model.merges, `${where}.merges`);
    if (merges.length > MAX_MERGES)
      reject(`${where}.merges`, `${merges.length} merges, at most ${MAX_MERGES} are read`);
    this.#results = new Int32Array(merges.length);
    merges.forEach((merge, rank) => {
      this.#addMerge(merge, rank, where);
    });
  }

  #addMerge(merge: unknown, rank: number, where: string): void {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    const place = () => `${where}.merges[${rank}]`;
    if (!Array.isArray(parts) || parts.length !== 2)
      reject(place(), `expected two parts, got ${show(merge)}; the file is damaged`);
    const [left, right] = parts as [string, string];
    const idOf = (token: string) =>
      this.#vocabulary.get(token) ?? reject(place(), `${show(token)} of ${show(merge)} is not in the vocabulary`);
    this.#ranks.set(idOf(left) * this.#stride + idOf(right), rank);
    this.#results[rank] = idOf(left + right.slice(this.#prefix.length));
  }

  encode(word: string, ids: number[]): void {
    const whole = this.#ignoreMerges ? this.#vocabulary.get(word) : undefined;
    if (whole !== undefined) {
      ids.push(whole);
      return;
    }
    let encoded = this.#cache.get(word);
    if (!encoded) {
      encoded = this.#merge(this.#symbols(word));
      if (word.length <= CACHED_WORD_LENGTH) {
        if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
        this.#cache.set(word, encoded);
      }
    }
    // Not push(...encoded): arguments lie on the stack, and a word can have a million symbols.
    for (const id of encoded) ids.push(id);
  }

  /** One id a character; characters outside the vocabulary become bytes or the unknown token, or vanish without one. */
  #symbols(word: string): number[] {
    const symbols: number[] = [];
    const characters = Array.from(word);
    let previousIsUnknown = false;
    characters.forEach((character, i) => {
      const symbol = (i > 0 ? this.#prefix : "") + character + (i === characters.length - 1 ? this.#suffix : "");
      const id = this.#vocabulary.get(symbol);
      const known = id === undefined ? this.#bytes(symbol) : [id];
      if (known) symbols.push(...known);
      else if (this.#unknownToken !== undefined && !(previousIsUnknown && this.#fuseUnknown))
        symbols.push(this.#unknownId(symbol));
      previousIsUnknown = !known;
    });
    return symbols;
  }

  #bytes(symbol: string): number[] | undefined {
    if (!this.#byteFallback) return undefined;
    const ids: number[] = [];
    for (const byte of new TextEncoder().encode(symbol)) {
      const id = this.#vocabulary.get(byteToken(byte));
      if (id === undefined) return undefined;
      ids.push(id);
    }
    return ids;
  }

  #unknownId(symbol: string): number {
    const token = this.#unknownToken!;
    return (
      this.#vocabulary.get(token) ??
      reject("tokenizer.json: model.unk_token", `${show(token)}, needed for ${show(symbol)}, is not in the vocabulary`)
    );
  }

  /** O(n log n): symbols as a linked list in arrays, candidate merges in a heap; outdated candidates are skipped. */
  #merge(symbols: number[]): readonly number[] {
    const count = symbols.length;
    if (count < 2) return symbols;
    const next = Int32Array.from(symbols, (_, i) => i + 1);
    const previous = Int32Array.from(symbols, (_, i) => i - 1);
    const heap = new MinHeap();
    const rankAt = (left: number) =>
      next[left]! < count ? this.#ranks.get(symbols[left]! * this.#stride + symbols[next[left]!]!) : undefined;
    const offer = (left: number) => {
      const rank = rankAt(left);
      if (rank !== undefined) heap.push(rank * POSITIONS + left);
    };
    for (let i = 0; i < count - 1; i++) offer(i);

    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
      const left = entry % POSITIONS;
      const rank = (entry - left) / POSITIONS;
      if (symbols[left]! < 0 || rankAt(left) !== rank) continue;
      const right = next[left]!;
      symbols[left] = this.#results[rank]!;
      symbols[right] = -1;
      next[left] = next[right]!;
      if (next[left]! < count) previous[next[left]!] = left;
      if (previous[left]! >= 0) offer(previous[left]!);
      offer(left);
    }
    return symbols.filter((id) => id >= 0);
  }
}

/** SentencePiece's token of a byte that no character covers. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

function optionalText(value: unknown, where: string): string {
  return value === undefined || value === null ? "" : asString(value, where);
}
