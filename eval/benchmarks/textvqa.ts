/** TextVQA: TextVQA_0.5.1_val.json with pictures, or Parquet files. The words of a text recogniser are an option. */
import { textVqaAccuracy } from "../scorers/vqa-accuracy.ts";
import { type Benchmark, type BenchmarkQuestion, type ReadOptions, SHORT_ANSWER, withSuffix } from "./benchmark.ts";
import { type DataFolder, readJson } from "./data-folder.ts";
import { type Fields, listOf, recordOf, tenAnswers, textOf, textsOf } from "./fields.ts";
import { hasTables, rowsWith } from "./parquet.ts";

const COLUMNS = ["question_id", "question", "answers", "image"];

export const textvqa: Benchmark = {
  name: "textvqa",
  title: "TextVQA",
  rule: "min(1, matches / 3) over the ten sets of nine annotators, after the normalisation of TextVQA's evaluation.",
  maxTokens: 16,
  score: textVqaAccuracy,
  read: async (data, options) => (hasTables(data) ? fromParquet(data, options) : fromFiles(data, options)),
};

function fromFiles(data: DataFolder, options: ReadOptions): BenchmarkQuestion[] {
  const file = data.one([/TextVQA_[\d.]+_val\.json$/, /TextVQA_[\d.]+_\w+\.json$/], "TextVQA_0.5.1_val.json");
  const words = options.ocr ? recognisedWords(data) : undefined;
  return listOf(recordOf(readJson(file), file).data, file).map((value, i) => {
    const at = `${file}: entry ${i + 1}`;
    const fields = recordOf(value, at);
    const imageId = textOf(fields, "image_id", at);
    const picture = () => data.picture([`${imageId}.jpg`, `${imageId}.png`], at);
    return { ...questionOf(fields, at, words?.get(imageId), options), picture };
  });
}

/** Picture -> words, of the file of Rosetta's results. */
function recognisedWords(data: DataFolder): Map<string, string[]> {
  const file = data.one([/TextVQA_Rosetta_OCR_[\w.]+\.json$/], "TextVQA_Rosetta_OCR_v0.2_val.json that --ocr needs");
  return new Map(
    listOf(recordOf(readJson(file), file).data, file).map((value, i) => {
      const at = `${file}: entry ${i + 1}`;
      const fields = recordOf(value, at);
      return [textOf(fields, "image_id", at), textsOf(fields.ocr_tokens, "ocr_tokens", at)];
    }),
  );
}

async function fromParquet(data: DataFolder, options: ReadOptions): Promise<BenchmarkQuestion[]> {
  const rows = await rowsWith(data, COLUMNS, [/validation|val/]);
  return rows.map((row) => {
    const { fields, at, table } = row;
    const words = options.ocr ? textsOf(fields.ocr_tokens, "ocr_tokens", at) : undefined;
    return { ...questionOf(fields, at, words, options), picture: () => table.picture(row, "image") };
  });
}

function questionOf(fields: Fields, at: string, words: readonly string[] | undefined, options: ReadOptions) {
  const id = textOf(fields, "question_id", at);
  const question = textOf(fields, "question", at);
  // LLaVA's prompt.
  const asked = words === undefined ? question : `${question}\nReference OCR token: ${words.join(", ")}`;
  const prompt = withSuffix(asked, SHORT_ANSWER, options);
  return { id, unit: id, category: "", prompt, expected: tenAnswers(fields.answers, at) };
}
