/** Estimates the time to the first word that half of the image tokens would save. Pure. */

/** The numbers of an answer's statistics that the estimate needs. */
interface AnswerCost {
  pictures: readonly { tokensBefore: number; tokensAfter: number; reused: boolean }[];
  promptTokens: number;
  visionMs: number;
  prefillMs: number;
}

/** VMTC at ratio 0.5 in three even stages: share of the rows that each quarter of the encoder's blocks runs on. */
const QUARTERS = [1, 2 ** (-1 / 3), 2 ** (-2 / 3), 1 / 2];
/** 0.27 of the encoder. Its time is in proportion to its rows, but for attention, which gains more, and the merging. */
const ENCODER_SAVING = 1 - QUARTERS.reduce((sum, share) => sum + share, 0) / QUARTERS.length;

const STEP_PERCENT = 5;
const LEAST_PERCENT = 10;

/**
 * Estimates how much sooner the first word would come with half of the image tokens. The unit is percent of the
 * encoder's and prefill's time, rounded to 5. Undefined below 10 %, and for an answer without pictures or with
 * compressed ones.
 *
 * The encoder saves 0.27 of its time, prefill the share of the prompt that goes: half of the pictures' rows. Compiling
 * and waiting for other tabs do not count: they hold up the first answer only. Pictures that an earlier question
 * encoded save nothing: this answer paid neither for their encoding nor, as a rule, for their rows of the prompt.
 */
export function savingOfHalf(cost: AnswerCost): number | undefined {
  const { pictures, promptTokens, visionMs, prefillMs } = cost;
  if (visionMs + prefillMs <= 0 || pictures.some(({ tokensBefore, tokensAfter }) => tokensAfter < tokensBefore))
    return undefined;
  const read = pictures.filter(({ reused }) => !reused);
  if (read.length === 0) return undefined;
  const rows = read.reduce((sum, { tokensBefore }) => sum + tokensBefore, 0);
  const savedMs = ENCODER_SAVING * visionMs + (prefillMs * rows) / promptTokens / 2;
  const percent = (100 * savedMs) / (visionMs + prefillMs);
  return percent < LEAST_PERCENT ? undefined : STEP_PERCENT * Math.round(percent / STEP_PERCENT);
}
