/**
 * SentencePiece's unigram model: of all ways to cut a word into pieces, the one with the highest sum of scores.
 * Replaces the library's own, which lacks byte fallback, scores tokens that users must not write, and needs a tree of
 * objects.
 */
import { Model } from "@huggingface/tokenizers";

/** Subtracted from the lowest score for a character that no piece covers. */
const UNKNOWN_PENALTY = 10;

export interface UnigramConfig {
  /** Pieces and their scores; a piece's id is its place. */
  readonly vocab: readonly (readonly [piece: string, score: number])[];
  readonly unk_id: number;
  /** Encodes characters that no piece covers as bytes, if the vocabulary has them. */
  readonly byte_fallback: boolean;
}

/** A unigram model as the library's tokenizer uses it. */
export class Unigram extends Model {
  readonly #pieces: readonly string[]; // by UTF-16 code units, ascending
  readonly #scores: Float64Array; // [pieces]
  readonly #unknownScore: number;
  readonly #byteFallback: boolean;

  /** @param hidden pieces that no word may contain */
  constructor({ vocab, unk_id, byte_fallback }: UnigramConfig, hidden: ReadonlySet<string>) {
    super({ type: "Unigram" } as ConstructorParameters<typeof Model>[0]);
    const visible = vocab.filter(([piece]) => piece !== "" && !hidden.has(piece));
    visible.sort(([a], [b]) => (a < b ? -1 : 1));
    this.#pieces = visible.map(([piece]) => piece);
    this.#scores = Float64Array.from(visible, ([, score]) => score);
    this.#unknownScore = vocab.reduce((least, [, score]) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
    this.#byteFallback = byte_fallback;
    this.vocab = vocab.map(([piece]) => piece);
    this.tokens_to_ids = new Map(this.vocab.map((piece, id) => [piece, id]));
    this.unk_token_id = unk_id;
    this.unk_token = this.vocab[unk_id]!;
  }

  override encode(words: string[]): string[] {
    return words.flatMap((word) => this.#encodeWord(word));
  }

  #encodeWord(word: string): string[] {
    const score = new Float64Array(word.length + 1).fill(-Infinity);
    const begin = new Int32Array(word.length + 1); // of the best piece that ends here
    const isKnown = new Uint8Array(word.length + 1);
    score[0] = 0;
    for (let start = 0, next = 0; start < word.length; start = next) {
      next = start + (word.codePointAt(start)! > 0xffff ? 2 : 1);
      const reach = (end: number, candidate: number, known: 0 | 1) => {
        // Among equal scores the longest piece wins: it was found first.
        if (!(candidate > score[end]!)) return;
        score[end] = candidate;
        begin[end] = start;
        isKnown[end] = known;
      };
      let isCovered = false;
      this.#forEachPrefix(word, start, (end, index) => {
        isCovered ||= end === next;
        reach(end, score[start]! + this.#scores[index]!, 1);
      });
      if (!isCovered) reach(next, score[start]! + this.#unknownScore, 0);
    }

    const tokens: string[] = [];
    for (let end = word.length; end > 0; ) {
      let start = begin[end]!;
      if (isKnown[end]) tokens.push(word.slice(start, end));
      else {
        // Neighbouring unknown characters are one token.
        while (start > 0 && !isKnown[start]) start = begin[start]!;
        for (const token of this.#unknown(word.slice(start, end)).reverse()) tokens.push(token);
      }
      end = start;
    }
    return tokens.reverse();
  }

  #unknown(text: string): string[] {
    if (!this.#byteFallback) return [this.unk_token!];
    const hex = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    const bytes = Array.from(new TextEncoder().encode(text), hex);
    return bytes.every((byte) => this.tokens_to_ids.has(byte)) ? bytes : [this.unk_token!];
  }

  /** Calls back with the end and the index of each piece that begins at `start`, the shortest first. */
  #forEachPrefix(word: string, start: number, onPiece: (end: number, index: number) => void): void {
    // Pieces [low, high) begin with word[start, end).
    let low = 0;
    let high = this.#pieces.length;
    for (let end = start + 1; end <= word.length && low < high; end++) {
      const unit = word.charCodeAt(end - 1);
      low = this.#firstWithUnit(end - 1 - start, unit, low, high);
      high = this.#firstWithUnit(end - 1 - start, unit + 1, low, high);
      if (low < high && this.#pieces[low]!.length === end - start) onPiece(end, low);
    }
  }

  /** The first of pieces [low, high), which agree before `at`, whose code unit there is at least `unit`. */
  #firstWithUnit(at: number, unit: number, low: number, high: number): number {
    let from = low;
    let to = high;
    while (from < to) {
      const middle = (from + to) >>> 1;
      // NaN, beyond the end of the shortest piece, comes first.
      if (this.#pieces[middle]!.charCodeAt(at) >= unit) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}
