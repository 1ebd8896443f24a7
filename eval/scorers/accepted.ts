/** A person's own questions: an answer is right if it is, or says, an accepted one. */
import { officialWords } from "./answer-words.ts";
import { oneByOne, type Scorer } from "./scoring.ts";

/** How an answer meets an accepted one: as a whole, or as words that follow each other in it. */
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
