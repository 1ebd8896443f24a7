/** GQA: testdev_balanced_questions.json with pictures, or Parquet files of questions and of pictures. */
import { exactMatch } from "../scorers/exact-match.ts";
import {
  type Benchmark,
  type BenchmarkPicture,
  type BenchmarkQuestion,
  SHORT_ANSWER,
  withSuffix,
} from "./benchmark.ts";
import { type DataFolder, readJson } from "./data-folder.ts";
import { type Fields, optionalText, recordOf, textOf } from "./fields.ts";
import { hasTables, type Row, rowsOf, rowsWith, tablesWith } from "./parquet.ts";

const COLUMNS = ["imageId", "question", "answer"];

export const gqa: Benchmark = {
  name: "gqa",
  title: "GQA",
  rule: "Exact match, in lower case and without stops at the end.",
  maxTokens: 16,
  score: exactMatch,
  async read(data, options) {
    const entries = hasTables(data) ? await parquetEntries(data) : fileEntries(data);
    return entries.map(({ id, fields, at, picture }): BenchmarkQuestion => {
      const types = fields.types;
      return {
        id,
        unit: id,
        category: types !== null && typeof types === "object" ? optionalText(types as Fields, "structural") : "",
        prompt: withSuffix(textOf(fields, "question", at), SHORT_ANSWER, options),
        expected: [textOf(fields, "answer", at)],
        picture,
      };
    });
  },
};

interface Entry {
  id: string;
  fields: Fields;
  at: string;
  picture(): BenchmarkPicture;
}

function fileEntries(data: DataFolder): Entry[] {
  const file = data.one(
    [/(^|\/)testdev_balanced_questions\.json$/, /questions[^/]*\.json$/],
    "testdev_balanced_questions.json",
  );
  return Object.entries(recordOf(readJson(file), file)).map(([id, value]) => {
    const at = `${file}: question ${id}`;
    const fields = recordOf(value, at);
    const imageId = textOf(fields, "imageId", at);
    return { id, fields, at, picture: () => data.picture([`${imageId}.jpg`, `${imageId}.png`], at) };
  });
}

/** Questions and pictures are in separate files. */
async function parquetEntries(data: DataFolder): Promise<Entry[]> {
  const questions = await rowsWith(data, COLUMNS, [/testdev_balanced_instructions/]);
  const pictures = await rowsOf(await tablesWith(data, ["id", "image"], [/testdev_balanced_images/]));
  const byId = new Map<string, Row>(pictures.map((row) => [textOf(row.fields, "id", row.at), row]));
  return questions.map(({ fields, at }) => {
    const imageId = textOf(fields, "imageId", at);
    const picture = () => {
      const row = byId.get(imageId);
      return row ? row.table.picture(row, "image") : data.picture([`${imageId}.jpg`], at);
    };
    return { id: textOf(fields, "id", at), fields, at, picture };
  });
}
