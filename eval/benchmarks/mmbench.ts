/**
 * MMBench: a TSV file with base64 pictures, or Parquet files. Rotations of the options come from the file, or are
 * generated.
 */
import { createHash } from "node:crypto";
import { groupBy } from "../group.ts";
import { circular } from "../scorers/multiple-choice.ts";
import {
  type Benchmark,
  type BenchmarkPicture,
  type BenchmarkQuestion,
  type ReadOptions,
  withSuffix,
} from "./benchmark.ts";
import { type DataFolder, readText } from "./data-folder.ts";
import { type Fields, optionalText, textOf } from "./fields.ts";
import { hasTables, rowsWith } from "./parquet.ts";
import { parseTsv } from "./tsv.ts";

const COLUMNS = ["index", "question", "A", "B", "answer", "image"];
const LETTERS = ["A", "B", "C", "D"];
const SUFFIX = "Answer with the option's letter from the given choices directly.";
/** Rotations of a question in the official files: its index and multiples of this. */
const ROTATION = 1_000_000;
/** A shorter text instead of a picture is the index of the row with the picture. */
const MOST_INDEX_CHARACTERS = 64;

export const mmbench: Benchmark = {
  name: "mmbench",
  title: "MMBench",
  rule:
    "CircularEval: right only if right in every rotation of the options. An answer that names no option is wrong; the " +
    "official script asks a language model about it.",
  maxTokens: 32,
  score: circular,
  async read(data, options) {
    const rows = hasTables(data) ? await parquetRows(data) : fileRows(data);
    const units = groupBy(rows, ({ index }) => `${index % ROTATION}`);
    return [...units].flatMap(([unit, rotations]) =>
      (rotations.length > 1 ? rotations : rotated(rotations[0]!)).map((row) => questionOf(row, unit, options)),
    );
  },
};

interface ChoiceRow {
  id: string;
  index: number;
  fields: Fields;
  at: string;
  choices: string[];
  /** Number of the right choice. */
  right: number;
  picture(): BenchmarkPicture;
}

function choiceRow(fields: Fields, at: string, picture: () => BenchmarkPicture): ChoiceRow {
  const index = Number(textOf(fields, "index", at));
  if (!Number.isSafeInteger(index) || index < 0)
    throw new Error(
      `${at}: the index must be a number from 0, got ${textOf(fields, "index", at)}; download the file again`,
    );
  const texts = LETTERS.map((letter) => optionalText(fields, letter));
  const count = texts.findIndex(isNone);
  const choices = count < 0 ? texts : texts.slice(0, count);
  if (choices.length < 2)
    throw new Error(`${at}: ${choices.length} options in place of two to four; download the file again`);
  const answer = optionalText(fields, "answer").trim();
  if (isNone(answer)) throw new Error(`${at}: no answer; the test set has none, use the dev set`);
  const right = LETTERS.slice(0, choices.length).indexOf(answer);
  if (right < 0)
    throw new Error(`${at}: the answer ${answer} is none of the ${choices.length} options; download the file again`);
  return { id: `${index}`, index, fields, at, choices, right, picture };
}

function isNone(text: string): boolean {
  return text === "" || /^(nan|none)$/i.test(text);
}

/** The options shifted by one, two and so on, under the same letters. */
function rotated(row: ChoiceRow): ChoiceRow[] {
  const { choices, right, id } = row;
  return choices.map((_, shift) => ({
    ...row,
    id: `${id} ${shift}`,
    choices: [...choices.slice(shift), ...choices.slice(0, shift)],
    right: (right - shift + choices.length) % choices.length,
  }));
}

function questionOf(
  { id, fields, at, choices, right, picture }: ChoiceRow,
  unit: string,
  options: ReadOptions,
): BenchmarkQuestion {
  const hint = optionalText(fields, "hint");
  const lines = [
    ...(isNone(hint) ? [] : [hint]),
    textOf(fields, "question", at),
    ...choices.map((text, i) => `${LETTERS[i]}. ${text}`),
  ];
  return {
    id,
    unit,
    category: optionalText(fields, "l2-category") || optionalText(fields, "category"),
    prompt: withSuffix(lines.join("\n"), SUFFIX, options),
    expected: [LETTERS[right]!],
    options: Object.fromEntries(choices.map((text, i) => [LETTERS[i]!, text])),
    picture,
  };
}

function fileRows(data: DataFolder): ChoiceRow[] {
  const file = data.one([/\.tsv$/], "TSV file of MMBench");
  const rows = parseTsv(readText(file), file);
  const byIndex = new Map(rows.map(({ fields }) => [fields.index, fields.image ?? ""]));
  return rows.map(({ fields, at }) => {
    for (const column of COLUMNS)
      if (fields[column] === undefined)
        throw new Error(
          `${file}:1: no column "${column}", only ${Object.keys(fields).join(", ")}; use the official file`,
        );
    return choiceRow(fields, at, () => {
      const own = fields.image!;
      const text = own.length <= MOST_INDEX_CHARACTERS ? (byIndex.get(own) ?? "") : own;
      return base64Picture(text, fields.index!, at);
    });
  });
}

function base64Picture(text: string, index: string, at: string): BenchmarkPicture {
  if (!/^[A-Za-z0-9+/\s]+=*\s*$/.test(text))
    throw new Error(`${at}: the picture is not base64; download the file again`);
  const hash = createHash("sha256").update(text).digest("hex");
  return { file: `picture ${index}`, hash, read: async () => Buffer.from(text, "base64") };
}

async function parquetRows(data: DataFolder): Promise<ChoiceRow[]> {
  const rows = await rowsWith(data, COLUMNS, [/(^|\/)en\/dev/, /dev/]);
  return rows.map((row) => choiceRow(row.fields, row.at, () => row.table.picture(row, "image")));
}
