/** The plain questions of the shipped set, as a benchmark: the default of a sweep. */
import { isRight } from "../question-checks.ts";
import { oneByOne } from "../scorers/scoring.ts";
import { type Question, readSet } from "../set.ts";
import type { Benchmark } from "./benchmark.ts";

export const SHIPPED = "set";

/** Reads the whole set. Its scorer checks the expectation of each question. */
export function readShipped(folder: string): Benchmark {
  const { closed, pictures } = readSet(folder);
  const asked = new Map<string, Question>();
  const questions = pictures.flatMap(({ file, questions }) =>
    questions
      .filter(({ task }) => task === null)
      .map((question) => {
        const id = `${file} ${question.prompt}`;
        asked.set(id, question);
        return { id, file, question };
      }),
  );
  return {
    name: SHIPPED,
    title: "Questions of eval/set",
    rule: "By words, as in eval/report: the answer names what it must and no other thing of that kind.",
    maxTokens: 96,
    score: oneByOne("accuracy", ({ id, answer }) => Number(isRight(asked.get(id)!, closed, answer))),
    read: async (data) =>
      questions.map(({ id, file, question }) => ({
        id,
        unit: id,
        category: question.topic,
        prompt: question.prompt,
        expected: question.reference === undefined ? [] : [question.reference],
        picture: () => data.picture([file], `${folder}/eval.json`),
      })),
  };
}
