/**
 * True if an answer to a question about a picture is right: by words, as the questions' writer judges it too
 * (training/questions.py, `judge`). instruction-checks.ts checks that it follows an instruction.
 */

/** The words that a right answer must contain, and those that it must not. */
export interface Expectation {
  /** One of each list must occur; an entry may have several words, which then must follow each other. */
  need: string[][];
  /** Name of the set of words of which no others may occur: an answer with another kind of thing is wrong. */
  only: string;
  /** Allowed words of that set, such as the thing in the question. */
  allow: string[];
}

/** Name of a set -> all its words. */
export type ClosedSets = Record<string, string[]>;

/** Throws RangeError for an expectation that names no set of `closed`. */
export function isRight({ need, only, allow }: Expectation, closed: ClosedSets, answer: string): boolean {
  const set = closed[only];
  if (!set) throw new RangeError(`there is no set of words "${only}"; there are ${Object.keys(closed).join(", ")}`);
  const words = answer.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const text = ` ${words.join(" ")} `;
  if (!need.every((options) => options.some((option) => text.includes(` ${option} `)))) return false;
  const fine = new Set([...need.flat().flatMap((option) => option.split(" ")), ...allow]);
  return words.every((word) => fine.has(word) || !set.includes(word));
}
