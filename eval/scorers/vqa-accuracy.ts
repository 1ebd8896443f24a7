/**
 * VQAv2 and TextVQA: an answer that n annotators gave scores min(1, n / 3); the mean over the ten sets of nine
 * annotators, each without one.
 */
import { officialWords, submittedWords } from "./answer-words.ts";
import { oneByOne } from "./scoring.ts";

/** Mean over the sets that leave out one annotator. All texts are normalised already. */
export function leaveOneOut(answer: string, annotated: readonly string[]): number {
  const matches = annotated.filter((one) => one === answer).length;
  const shares = annotated.map((one) => Math.min(1, (matches - Number(one === answer)) / 3));
  return shares.reduce((sum, share) => sum + share, 0) / annotated.length;
}

/** As VQAv2's evaluation scores a submitted answer. It normalises the annotators' answers only if they differ. */
export function vqaAccuracyOf(answer: string, annotated: readonly string[]): number {
  const differ = new Set(annotated).size > 1;
  return leaveOneOut(submittedWords(answer), differ ? annotated.map(officialWords) : annotated);
}

/** As TextVQA's evaluation does: both sides pass the same normalisation. */
export function textVqaAccuracyOf(answer: string, annotated: readonly string[]): number {
  return leaveOneOut(submittedWords(answer), annotated.map(submittedWords));
}

export const vqaAccuracy = oneByOne("accuracy", ({ answer, expected }) => vqaAccuracyOf(answer, expected));
export const textVqaAccuracy = oneByOne("accuracy", ({ answer, expected }) => textVqaAccuracyOf(answer, expected));
