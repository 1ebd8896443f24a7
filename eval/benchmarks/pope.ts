/** POPE: one JSON lines file for each way of choosing objects, with pictures; or Parquet files. */
import { yesNo } from "../scorers/yes-no.ts";
import { type Benchmark, type BenchmarkQuestion, type ReadOptions, SHORT_ANSWER, withSuffix } from "./benchmark.ts";
import { type DataFolder, readJsonLines } from "./data-folder.ts";
import { optionalText, recordOf, textOf, yesOrNo } from "./fields.ts";
import { hasTables, rowsWith } from "./parquet.ts";

const COLUMNS = ["question_id", "question", "answer", "image"];

export const pope: Benchmark = {
  name: "pope",
  title: "POPE",
  rule: 'The first sentence says no if it has one of the words "No", "no" and "not", else yes.',
  maxTokens: 32,
  score: yesNo,
  read: async (data, options) => (hasTables(data) ? fromParquet(data, options) : fromFiles(data, options)),
};

function fromFiles(data: DataFolder, options: ReadOptions): BenchmarkQuestion[] {
  const files = data.files(/pope[^/]*\.jsonl?$/i);
  if (files.length === 0)
    throw new Error(`${data.path}: no file such as coco_pope_random.json; pass its folder as --data`);
  return files.flatMap((file) => {
    const category = /([a-z]+)\.jsonl?$/i.exec(file)?.[1] ?? "";
    return readJsonLines(file).map(({ value, at }, i) => {
      const fields = recordOf(value, at);
      const image = textOf(fields, "image", at);
      const id = `${category} ${optionalText(fields, "question_id") || i + 1}`;
      const question = textOf(fields, fields.text === undefined ? "question" : "text", at);
      return {
        id,
        unit: id,
        category,
        prompt: withSuffix(question, SHORT_ANSWER, options),
        expected: [yesOrNo(textOf(fields, "label", at), at)],
        picture: () => data.picture([image], at),
      };
    });
  });
}

async function fromParquet(data: DataFolder, options: ReadOptions): Promise<BenchmarkQuestion[]> {
  const rows = await rowsWith(data, COLUMNS, [/(^|\/)test$/, /adversarial|popular|random/]);
  return rows.map((row) => {
    const { fields, at, table } = row;
    const category = optionalText(fields, "category");
    const id = `${category} ${textOf(fields, "question_id", at)}`;
    return {
      id,
      unit: id,
      category,
      prompt: withSuffix(textOf(fields, "question", at), SHORT_ANSWER, options),
      expected: [yesOrNo(textOf(fields, "answer", at), at)],
      picture: () => table.picture(row, "image"),
    };
  });
}
