/**
 * MMBench: a question counts as right only if the answer is right in every rotation of its options (CircularEval). The
 * official script asks a language model about answers that name no option; here such an answer is wrong.
 */
import { groupBy } from "../group.ts";
import { type Answered, type Score, withCategories } from "./scoring.ts";

/** The option that an answer names: by its letter, or else by its text; undefined for none and for several. */
export function chosenOption(answer: string, options: Readonly<Record<string, string>>): string | undefined {
  const letters = Object.keys(options);
  const words = answer
    .replace(/[.()[\],:;!*#{}]/g, " ")
    .split(/\s+/)
    .filter((word) => word !== "");
  const named = letters.filter((letter) => words.includes(letter));
  // "A" in a longer answer is likely to be an article.
  if (named.length === 1 && !(words.includes("A") && words.length > 3)) return named[0];
  const text = answer.toLowerCase();
  const quoted = letters.filter((letter) => text.includes(options[letter]!.toLowerCase()));
  return quoted.length === 1 ? quoted[0] : undefined;
}

/** Scores MMBench by question and by category. */
export function circular(answered: readonly Answered[]): Score {
  const questions = groupBy(answered, ({ unit }) => unit);
  const units = [...questions].map(([id, rotations]) => {
    const { cluster, category } = rotations[0]!;
    const isRight = rotations.every(
      ({ answer, options = {}, expected }) => chosenOption(answer, options) === expected[0],
    );
    return { id, cluster, category, value: Number(isRight) };
  });
  return withCategories("circular accuracy", units);
}
