/** VQAv2: the OpenEnded questions and their annotations with pictures, or Parquet files with all of it. */
import { vqaAccuracy } from "../scorers/vqa-accuracy.ts";
import { type Benchmark, type BenchmarkQuestion, type ReadOptions, SHORT_ANSWER, withSuffix } from "./benchmark.ts";
import { type DataFolder, readJson } from "./data-folder.ts";
import { listOf, optionalText, recordOf, tenAnswers, textOf } from "./fields.ts";
import { hasTables, rowsWith } from "./parquet.ts";

const COLUMNS = ["question_id", "question", "answers", "image"];

export const vqav2: Benchmark = {
  name: "vqav2",
  title: "VQAv2",
  rule: "min(1, matches / 3) over the ten sets of nine annotators, after the official normalisation.",
  maxTokens: 16,
  score: vqaAccuracy,
  read: async (data, options) => (hasTables(data) ? fromParquet(data, options) : fromFiles(data, options)),
};

function fromFiles(data: DataFolder, options: ReadOptions): BenchmarkQuestion[] {
  const questions = data.one(
    [/OpenEnded[^/]*_val2014_questions\.json$/, /OpenEnded[^/]*_questions\.json$/],
    "file of OpenEnded questions",
  );
  const annotations = data.one([/_val2014_annotations\.json$/, /_annotations\.json$/], "file of annotations");
  const answers = new Map(
    listOf(recordOf(readJson(annotations), annotations).annotations, annotations).map((value, i) => {
      const at = `${annotations}: annotation ${i + 1}`;
      const fields = recordOf(value, at);
      return [textOf(fields, "question_id", at), { fields, at }];
    }),
  );
  return listOf(recordOf(readJson(questions), questions).questions, questions).map((value, i) => {
    const at = `${questions}: question ${i + 1}`;
    const fields = recordOf(value, at);
    const id = textOf(fields, "question_id", at);
    const annotation = answers.get(id);
    if (!annotation) throw new Error(`${at}: ${annotations} has no question_id ${id}; use two files of one split`);
    const number = textOf(fields, "image_id", at).padStart(12, "0");
    const splits = ["val2014", "train2014", "test2015"].map((split) => `COCO_${split}_${number}.jpg`);
    return {
      id,
      unit: id,
      category: optionalText(annotation.fields, "answer_type"),
      prompt: withSuffix(textOf(fields, "question", at), SHORT_ANSWER, options),
      expected: tenAnswers(annotation.fields.answers, annotation.at),
      picture: () => data.picture([...splits, `${number}.jpg`], at),
    };
  });
}

async function fromParquet(data: DataFolder, options: ReadOptions): Promise<BenchmarkQuestion[]> {
  const rows = await rowsWith(data, COLUMNS, [/validation|val/]);
  return rows.map((row) => {
    const { fields, at, table } = row;
    const id = textOf(fields, "question_id", at);
    return {
      id,
      unit: id,
      category: optionalText(fields, "answer_type"),
      prompt: withSuffix(textOf(fields, "question", at), SHORT_ANSWER, options),
      expected: tenAnswers(fields.answers, at),
      picture: () => table.picture(row, "image"),
    };
  });
}
