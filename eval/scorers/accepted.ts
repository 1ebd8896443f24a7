/** Users' own questions: an answer is right if it equals, or contains, an accepted one. */
import { officialWords } from "./answer-words.ts";
import { oneByOne, type Scorer } from "./scoring.ts";

/** The comparison with an accepted answer: equal, or contained as consecutive words. */
export type Match = "exact" | "words";

/** True if the normalised answer equals an accepted one or, by "words", contains it as words. */
export function isAccepted(answer: string, accepted: readonly string[], match: Match): boolean {
  const said = officialWords(answer);
  return accepted.map(officialWords).some((wanted) => said === wanted || (match === "words" && says(said, wanted)));
}

function says(said: string, wanted: string): boolean {
  return wanted !== "" && ` ${said} `.includes(` ${wanted} `);
}

/** Scores the share of accepted answers. */
export function accepted(match: Match): Scorer {
  return oneByOne("accuracy", ({ answer, expected }) => Number(isAccepted(answer, expected, match)));
}
