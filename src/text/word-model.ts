/** What encodes one word, whatever the algorithm. */
export interface WordModel {
  /** Appends the ids of `word` to `ids`. */
  encode(word: string, ids: number[]): void;
}
