/** Tokens of an answer with their probabilities, as a caller reads them. */

/** A token, and how likely the model held it. */
export interface TokenProbability {
  /** -1 from a server, which sends no ids. */
  id: number;
  /** Its own text; U+FFFD where it holds only a part of a character. */
  text: string;
  /** Its text in UTF-8, which may be a part of a character. */
  bytes: Uint8Array;
  /** Natural logarithm of its probability. */
  logprob: number;
}

/** A token of an answer. */
export interface AnswerToken extends TokenProbability {
  /** The most likely tokens at its place, most likely first; the chosen one need not be among them. */
  top: TokenProbability[];
}
