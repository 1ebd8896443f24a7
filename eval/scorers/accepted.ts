/** Users' own questions: an answer is right if it equals, or contains, an accepted one. */
import { officialWords } from "./answer-words.ts";
import { oneByOne, type Scorer } from "./scoring.ts";

/** The comparison with an accepted answer: equal, or contained as consecutive words. */
export type Match = "exact" | "words";

export function isAccepted(answer: string, accepted: readonly string[], match: Match): boolean {
  const said = officialWords(answer);
  return accepted.map(officialWords).some((wanted) => said === wanted || (match === "words" && says(said, wanted)));
}

function says(said: string, wanted: string): boolean {
  return wanted !== "" && ` ${said} `.includes(` ${wanted} `);
}

export function accepted(match: Match): Scorer {
  return oneByOne("accuracy", ({ answer, expected }) => Number(isAccepted(answer, expected, match)));
}
