/** MME: a folder a task, with a text file of two lines for each picture; or Parquet files. */
import { basename } from "node:path";
import { groupBy } from "../group.ts";
import { COGNITION, PERCEPTION, yesNoPairs } from "../scorers/yes-no-pairs.ts";
import {
  type Benchmark,
  type BenchmarkPicture,
  type BenchmarkQuestion,
  type ReadOptions,
  withSuffix,
} from "./benchmark.ts";
import { type DataFolder, readText } from "./data-folder.ts";
import { textOf, yesOrNo } from "./fields.ts";
import { hasTables, rowsWith } from "./parquet.ts";

const COLUMNS = ["question_id", "question", "answer", "category", "image"];
const TASKS = [...PERCEPTION, ...COGNITION];
const PICTURES = ["jpg", "png", "jpeg", "JPG"];

export const mme: Benchmark = {
  name: "mme",
  title: "MME",
  rule: "For each task, accuracy plus the share of pictures with both answers right, 200 at most; summed over the tasks.",
  maxTokens: 16,
  score: yesNoPairs,
  async read(data, options) {
    const lines = hasTables(data) ? await parquetLines(data) : fileLines(data);
    for (const [unit, pair] of groupBy(lines, (line) => line.unit))
      if (pair.length !== 2)
        throw new Error(`${pair[0]!.at}: ${pair.length} questions on ${unit} in place of 2; download the task again`);
    return lines.map((line, i) => questionOf(line, i, options));
  },
};

interface Line {
  /** The picture, with its task. */
  unit: string;
  task: string;
  question: string;
  answer: string;
  at: string;
  picture(): BenchmarkPicture;
}

/** The question already asks for yes or no. */
function questionOf(
  { unit, task, question, answer, at, picture }: Line,
  i: number,
  options: ReadOptions,
): BenchmarkQuestion {
  const prompt = withSuffix(question, "", options);
  return { id: `${unit} ${i}`, unit, category: task, prompt, expected: [yesOrNo(answer, at)], picture };
}

function fileLines(data: DataFolder): Line[] {
  const files = data.files(/\.txt$/).flatMap((file) => {
    // A task's files are in its folder, or in a subfolder.
    const parts = [...data.path.split(/[\\/]/), ...data.name(file).split("/")];
    const task = parts.findLast((part) => TASKS.includes(part));
    return task === undefined ? [] : [{ file, task }];
  });
  if (files.length === 0)
    throw new Error(
      `${data.path}: no text files in folders of MME's tasks (${TASKS.join(", ")}); pass the folder of the tasks as --data`,
    );
  return files.flatMap(({ file, task }) => {
    const name = basename(file, ".txt");
    const lines = readText(file).split(/\r?\n/);
    return lines.flatMap((line, i) => {
      if (line.trim() === "") return [];
      const at = `${file}:${i + 1}`;
      const [question = "", answer, ...more] = line.split("\t");
      if (answer === undefined || more.length > 0)
        throw new Error(`${at}: a line must be a question, a tab, and Yes or No; fix it, or download the task again`);
      const folder = data.name(file).split("/").slice(0, -1).join("/");
      const places = [folder, folder.replace(/questions_answers_YN$/, "images")];
      const names = places.flatMap((place) => PICTURES.map((ending) => `${place}/${name}.${ending}`));
      return [{ unit: `${task}/${name}`, task, question, answer, at, picture: () => data.picture(names, at) }];
    });
  });
}

async function parquetLines(data: DataFolder): Promise<Line[]> {
  const rows = await rowsWith(data, COLUMNS, [/test/]);
  return rows.map((row) => {
    const { fields, at, table } = row;
    const text = (name: string) => textOf(fields, name, at);
    const task = text("category");
    const picture = () => table.picture(row, "image");
    const unit = `${task}/${text("question_id").replace(/^.*\//, "")}`;
    return { unit, task, question: text("question"), answer: text("answer"), at, picture };
  });
}
