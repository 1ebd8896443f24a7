/** A person's own questions: JSON lines of a picture, a question and accepted answers, and the pictures. */
import { accepted, type Match } from "../scorers/accepted.ts";
import { type Benchmark, withSuffix } from "./benchmark.ts";
import { readJsonLines } from "./data-folder.ts";
import { type Fields, optionalText, recordOf, textOf, textsOf } from "./fields.ts";

const RULES: Record<Match, string> = {
  words: "Right if an accepted answer occurs in it, word by word, after VQA's official normalisation.",
  exact: "Right if it is an accepted answer after VQA's official normalisation.",
};

/** @param match the way to compare with accepted answers */
export function folder(match: Match): Benchmark {
  return {
    name: "folder",
    title: "Own questions",
    rule: RULES[match],
    maxTokens: 64,
    score: accepted(match),
    async read(data, options) {
      const file = data.one([/\.jsonl$/], "file of questions, such as questions.jsonl");
      const lines = readJsonLines(file);
      if (lines.length === 0)
        throw new Error(
          `${file}:1: no questions; write lines such as {"image": "a.jpg", "question": "…", "answers": ["…"]}`,
        );
      return lines.map(({ value, at }, i) => {
        const fields = recordOf(value, at);
        const image = textOf(fields, "image", at);
        return {
          id: `${i + 1}`,
          unit: `${i + 1}`,
          category: optionalText(fields, "category"),
          prompt: withSuffix(textOf(fields, "question", at), "", options),
          expected: answersOf(fields, at),
          picture: () => data.picture([image], at),
        };
      });
    },
  };
}

/** "answers", or a single "answer". */
function answersOf(fields: Fields, at: string): string[] {
  if (fields.answers === undefined) return [textOf(fields, "answer", at)];
  const answers = textsOf(fields.answers, "answers", at).filter((answer) => answer.trim() !== "");
  if (answers.length === 0) throw new Error(`${at}: "answers" is empty; list at least one accepted answer`);
  return answers;
}
