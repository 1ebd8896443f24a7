/**
 * Unigram (SentencePiece) segmentation of one word: the path of highest score, by Viterbi, as in the reference
 * implementation (Hugging Face's Rust library).
 *
 * Not @huggingface/tokenizers' class: 0.2.0 has no byte fallback, without which Llama vocabularies of this kind turn
 * rare characters into <unk>, and overflows the stack at about 120,000 tokens.
 */
import { byteToken } from "./bpe.ts";
import { asBoolean, asIndex, type JsonObject, reject, show } from "./json.ts";
import { Trie } from "./trie.ts";
import type { Vocabulary } from "./vocabulary.ts";
import type { WordModel } from "./word-model.ts";

/** How much less likely than the least likely token a character outside the vocabulary is. */
const UNKNOWN_PENALTY = 10;

export class UnigramModel implements WordModel {
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #scores: Float64Array;
  readonly #trie = new Trie<number>();
  readonly #unknownId: number | undefined;
  readonly #unknownScore: number;
  readonly #byteFallback: boolean;

  /** @throws FoveaError `unsupported-model` for a bad field */
  constructor(
    model: JsonObject,
    { idOf, scores }: Vocabulary & { readonly scores: Float64Array },
    where = "tokenizer.json: model",
  ) {
    this.#vocabulary = idOf;
    this.#scores = scores;
    this.#byteFallback = asBoolean(model.byte_fallback, `${where}.byte_fallback`, false);
    const unknown = model.unk_id ?? undefined;
    this.#unknownId = unknown === undefined ? undefined : asIndex(unknown, `${where}.unk_id`, scores.length);
    this.#unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
    for (const [token, id] of idOf) if (token !== "") this.#trie.add(token, id);
  }

  encode(word: string, ids: number[]): void {
    for (const piece of this.#pieces(word)) this.#push(piece, ids);
  }

  #push(piece: string, ids: number[]): void {
    const id = this.#vocabulary.get(piece);
    if (id !== undefined) ids.push(id);
    else if (!this.#byteFallback || !this.#pushBytes(piece, ids)) ids.push(this.#unknown(piece));
  }

  #pushBytes(piece: string, ids: number[]): boolean {
    const bytes = Array.from(new TextEncoder().encode(piece), (byte) => this.#vocabulary.get(byteToken(byte)));
    if (bytes.includes(undefined)) return false;
    for (const id of bytes) ids.push(id!);
    return true;
  }

  #unknown(piece: string): number {
    return this.#unknownId ?? reject("tokenizer.json: model.unk_id", `missing, but needed for ${show(piece)}`);
  }

  /** The best path's pieces, neighbouring unknown characters joined. */
  #pieces(word: string): string[] {
    const starts = this.#bestStarts(word);
    const pieces: string[] = [];
    let unknown = false;
    for (let end = word.length; end > 0; ) {
      const { start, id } = starts[end]!;
      const piece = word.slice(start, end);
      if (id === undefined && unknown) pieces[pieces.length - 1] = piece + pieces.at(-1);
      else pieces.push(piece);
      unknown = id === undefined;
      end = start;
    }
    return pieces.reverse();
  }

  /** For each end, where the last piece of the best path to it starts; id undefined for an unknown character. */
  #bestStarts(word: string) {
    const best: ({ start: number; id: number | undefined; score: number } | undefined)[] = new Array(word.length + 1);
    const offer = (start: number, end: number, id: number | undefined, score: number) => {
      const total = score + (best[start]?.score ?? 0);
      const old = best[end];
      if (!old || total > old.score) best[end] = { start, id, score: total };
    };
    for (let start = 0; start < word.length; ) {
      const width = word.codePointAt(start)! > 0xffff ? 2 : 1;
      let hasCharacter = false;
      this.#trie.forEachPrefix(word, start, (end, id) => {
        offer(start, end, id === this.#unknownId ? undefined : id, this.#scores[id]!);
        hasCharacter ||= end === start + width;
      });
      if (!hasCharacter) offer(start, start + width, undefined, this.#unknownScore);
      start += width;
    }
    return best;
  }
}
