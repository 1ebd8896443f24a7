/** The size of a conversation in tokens, as callers get it. Types only. */

export interface TokenCount {
  /** Tokens of the whole prompt, pictures included. */
  promptTokens: number;
  /** Tokens of all pictures, after compression; 0 where a model reads pictures beside its prompts. */
  imageTokens: number;
  /** The same of each picture, in the order of the conversation. */
  pictures: number[];
  /**
   * False where compression decides while a picture is encoded how many of its rows remain: numbers are then the most
   * that can be.
   */
  isExact: boolean;
  /** Positions of the KV cache, which prompt and answer share. */
  contextLength: number;
}
