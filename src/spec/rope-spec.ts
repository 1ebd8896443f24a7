/** Rotary positions of a decoder. Types only. */

/**
 * Rotary positions: pairs of channels i and i + R / 2 turn by position * frequencies[i], where R channels of a head turn.
 * The other channels stay as they are.
 */
export interface RopeSpec {
  /** Radians from one position to the next. */
  frequencies: readonly number[]; // [R / 2]
  /** Multiplies cosines and sines, and so logits by its square. */
  factor: number;
  /** Frequencies that depend on the length of the sequence. */
  beyond?: LongRope;
  /** With positions on several axes (M-RoPE): the axis by which each pair of channels turns. */
  axisOfPair?: readonly number[]; // [R / 2]
  /**
   * Queries are multiplied by 1 + rate * ln(1 + floor(position / length)), which is 1 below `length` (Llama 4's
   * attention scale). With the rate "log", queries of row n, beyond the first `length`, are multiplied by ln(n) /
   * ln(length).
   */
  growth?: { length: number; rate: number | "log" };
}

/**
 * Frequencies of longer sequences. A prompt's rows use the frequencies of its length, a generated row those of the
 * sequence up to it.
 */
export interface LongRope {
  /** The most positions of a sequence that uses `RopeSpec.frequencies`. */
  length: number;
  /** Frequencies of a sequence of `length` positions, more than `LongRope.length`. */
  frequenciesOf(length: number): readonly number[]; // [R / 2]
  /** True if all rows of a sequence that grows beyond `length` change their frequencies; otherwise they keep them. */
  turnsAnew: boolean;
  /** Generated rows always use the frequencies of their prompt. */
  keepsPrompt?: true;
}
