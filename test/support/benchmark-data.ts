/**
 * Small made-up data in the layout of each benchmark, as official files and as the hub's Parquet mirrors, with none of their
 * content. Node only.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parquetFile } from "./parquet-file.ts";

/** Bytes of three picture files. */
export type Pictures = readonly [Uint8Array, Uint8Array, Uint8Array];

export interface Layout {
  /** Official files. */
  files(folder: string, pictures: Pictures): void;
  /** The hub's mirror. */
  parquet?(folder: string, pictures: Pictures): void;
}

/** Writes a file, objects as JSON, and makes its folders. @returns its path */
export function write(folder: string, name: string, content: string | Uint8Array | object): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const isPlain = typeof content === "string" || content instanceof Uint8Array;
  writeFileSync(path, isPlain ? content : JSON.stringify(content));
  return path;
}

/** Ten annotators, of whom `count` say `answer` and the others something else each. */
export function annotators(answer: string, count = 10): string[] {
  return Array.from({ length: 10 }, (_, i) => (i < count ? answer : `other ${"abcdefghij"[i]}`));
}

const QUESTIONS = ["What is left?", "Is it red?", "Is there a cat?"];
const ANSWERS = ["whale", "no", "yes"];

const gqa: Layout = {
  files(folder, pictures) {
    const ids = ["n1", "n2", "n3"];
    const entry = (i: number) => ({
      imageId: ids[i],
      question: QUESTIONS[i],
      answer: ANSWERS[i],
      types: { structural: i === 0 ? "query" : "verify" },
    });
    const questions = Object.fromEntries(ids.map((_, i) => [`20${i}`, entry(i)]));
    write(folder, "testdev_balanced_questions.json", questions);
    // Other files of the download.
    write(folder, "val_balanced_questions.json", {});
    ids.forEach((id, i) => {
      write(folder, `images/${id}.jpg`, pictures[i]!);
    });
  },
  parquet(folder, pictures) {
    const questions = parquetFile({
      id: ["text", ["200", "201", "202"]],
      imageId: ["text", ["n1", "n2", "n1"]],
      question: ["text", QUESTIONS],
      answer: ["text", ANSWERS],
    });
    write(folder, "testdev_balanced_instructions/testdev-00000-of-00001.parquet", questions);
    write(folder, "val_balanced_instructions/val-00000-of-00001.parquet", questions);
    const images = parquetFile({ id: ["text", ["n1", "n2"]], image: ["picture", pictures.slice(0, 2)] });
    write(folder, "testdev_balanced_images/testdev-00000-of-00001.parquet", images);
  },
};

const vqav2: Layout = {
  files(folder, pictures) {
    const questions = QUESTIONS.map((question, i) => ({ image_id: i + 7, question, question_id: 70 + i }));
    write(folder, "v2_OpenEnded_mscoco_val2014_questions.json", { questions });
    const annotations = ANSWERS.map((answer, i) => ({
      question_id: 70 + i,
      answer_type: i === 0 ? "other" : "yes/no",
      answers: annotators(answer, 3 + i).map((one, id) => ({ answer: one, answer_id: id + 1 })),
    })).reverse();
    write(folder, "v2_mscoco_val2014_annotations.json", { annotations });
    pictures.forEach((picture, i) => {
      write(folder, `val2014/COCO_val2014_00000000000${i + 7}.jpg`, picture);
    });
  },
  parquet(folder, pictures) {
    const part = (indices: number[]) =>
      parquetFile({
        question_id: ["number", indices.map((i) => 70 + i)],
        question: ["text", indices.map((i) => QUESTIONS[i])],
        answer_type: ["text", indices.map((i) => (i === 0 ? "other" : "yes/no"))],
        answers: ["annotators", indices.map((i) => annotators(ANSWERS[i]!, 3 + i))],
        image: ["picture", indices.map((i) => pictures[i])],
      });
    write(folder, "data/validation-00000-of-00002.parquet", part([0, 1]));
    write(folder, "data/validation-00001-of-00002.parquet", part([2]));
    write(folder, "data/testdev-00000-of-00001.parquet", part([0]));
  },
};

const textvqa: Layout = {
  files(folder, pictures) {
    const data = QUESTIONS.map((question, i) => ({
      question,
      image_id: `t${i}`,
      question_id: 30 + i,
      answers: annotators(ANSWERS[i]!, 2 + i),
    }));
    write(folder, "TextVQA_0.5.1_val.json", { dataset_type: "val", data });
    const words = data.map(({ image_id }, i) => ({ image_id, ocr_tokens: ["STOP", `${i}`] }));
    write(folder, "TextVQA_Rosetta_OCR_v0.2_val.json", { data: words });
    pictures.forEach((picture, i) => {
      write(folder, `train_images/t${i}.jpg`, picture);
    });
  },
  parquet(folder, pictures) {
    const table = parquetFile(
      {
        image_id: ["text", ["t0", "t1", "t2"]],
        question_id: ["number", [30, 31, 32]],
        question: ["text", QUESTIONS],
        answers: ["texts", ANSWERS.map((answer, i) => annotators(answer, 2 + i))],
        ocr_tokens: ["texts", [["STOP", "0"], ["STOP", "1"], []]],
        image: ["picture", pictures],
      },
      "GZIP",
    );
    write(folder, "data/validation-00000-of-00001.parquet", table);
  },
};

const mme: Layout = {
  files(folder, pictures) {
    const lines = (yes: string, no: string) =>
      `${yes} Please answer yes or no.\tYes\r\n${no} Please answer yes or no.\tNo\n`;
    // Both ways in which the tasks are laid out.
    write(folder, "existence/0001.txt", lines("Is there a whale?", "Is there a bus?"));
    write(folder, "existence/0001.jpg", pictures[0]);
    write(folder, "posters/questions_answers_YN/0001.txt", lines("Is it a film?", "Is it a play?"));
    write(folder, "posters/images/0001.png", pictures[1]);
    write(folder, "code_reasoning/0003.txt", lines("Is it Python?", "Is it C?"));
    write(folder, "code_reasoning/0003.png", pictures[2]);
    write(folder, "readme.txt", "no task");
  },
  parquet(folder, pictures) {
    const table = parquetFile({
      question_id: ["text", ["existence/1.png", "existence/1.png", "code_reasoning/3.png", "code_reasoning/3.png"]],
      image: ["picture", [pictures[0], pictures[0], pictures[2], pictures[2]]],
      question: ["text", ["A whale?", "A bus?", "Python?", "C?"].map((text) => `${text} Please answer yes or no.`)],
      answer: ["text", ["Yes", "No", "Yes", "No"]],
      category: ["text", ["existence", "existence", "code_reasoning", "code_reasoning"]],
    });
    write(folder, "data/test-00000-of-00001.parquet", table);
  },
};

const mmbench: Layout = {
  files(folder, pictures) {
    const base64 = pictures.map((picture) => Buffer.from(picture).toString("base64"));
    const rows = [
      // A question whose rotations the file has: the second refers to the picture of the first.
      ["241", "What is it?", "", "whale", "bus", "", "", "A", "object", base64[0], "coarse"],
      ["1000241", "What is it?", "", "bus", "whale", "", "", "B", "object", "241", "coarse"],
      // One without, with a hint on two lines in quotes.
      ["252", "Which?", '"It says ""so"".\nReally."', "red", "green", "blue", "nan", "C", "colour", base64[1], "fine"],
    ];
    const head = ["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image", "l2-category"];
    write(folder, "mmbench_dev.tsv", `${[head, ...rows].map((cells) => cells.join("\t")).join("\n")}\n`);
  },
  parquet(folder, pictures) {
    const table = parquetFile({
      index: ["number", [241, 1000241, 252]],
      question: ["text", ["What is it?", "What is it?", "Which?"]],
      hint: ["text", ["nan", "nan", 'It says "so".\nReally.']],
      A: ["text", ["whale", "bus", "red"]],
      B: ["text", ["bus", "whale", "green"]],
      C: ["text", ["nan", "nan", "blue"]],
      D: ["text", ["nan", "nan", "nan"]],
      answer: ["text", ["A", "B", "C"]],
      category: ["text", ["object", "object", "colour"]],
      "L2-category": ["text", ["coarse", "coarse", "fine"]],
      image: ["picture", [pictures[0], pictures[0], pictures[1]]],
    });
    write(folder, "en/dev-00000-of-00001.parquet", table);
    write(folder, "cn/dev-00000-of-00001.parquet", table);
  },
};

const pope: Layout = {
  files(folder, pictures) {
    const line = (i: number) =>
      JSON.stringify({ question_id: i, image: `COCO_${i}.jpg`, text: QUESTIONS[i], label: i === 1 ? "no" : "yes" });
    write(folder, "coco/coco_pope_random.json", `${line(0)}\n${line(1)}\n`);
    write(folder, "coco/coco_pope_popular.json", `${line(2)}\n`);
    pictures.forEach((picture, i) => {
      write(folder, `val2014/COCO_${i}.jpg`, picture);
    });
  },
  parquet(folder, pictures) {
    const part = (indices: number[], category: string) =>
      parquetFile({
        question_id: ["text", indices.map(String)],
        question: ["text", indices.map((i) => QUESTIONS[i])],
        answer: ["text", indices.map((i) => (i === 1 ? "no" : "yes"))],
        category: ["text", indices.map(() => category)],
        image: ["picture", indices.map((i) => pictures[i])],
      });
    write(folder, "Full/random-00000-of-00001.parquet", part([0, 1], "random"));
    write(folder, "Full/popular-00000-of-00001.parquet", part([2], "popular"));
  },
};

const folder: Layout = {
  files(path, pictures) {
    const lines = [
      { image: "a.png", question: QUESTIONS[0], answers: ["whale", "a big fish"], category: "animals" },
      { image: "deep/b.png", question: QUESTIONS[1], answer: "no" },
      { image: "c.png", question: QUESTIONS[2], answers: ["yes"] },
    ];
    write(path, "questions.jsonl", `${lines.map((line) => JSON.stringify(line)).join("\n\n")}\n`);
    ["a.png", "deep/b.png", "c.png"].forEach((name, i) => {
      write(path, name, pictures[i]!);
    });
  },
};

export const LAYOUTS: Record<string, Layout> = { gqa, vqav2, textvqa, mme, mmbench, pope, folder };
