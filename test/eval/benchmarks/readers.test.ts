/** Benchmarks as people have them: what is asked, what is right, and which picture it is about. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { BenchmarkQuestion, ReadOptions } from "../../../eval/benchmarks/benchmark.ts";
import { DataFolder } from "../../../eval/benchmarks/data-folder.ts";
import { findBenchmark } from "../../../eval/benchmarks/registry.ts";
import { parseTsv } from "../../../eval/benchmarks/tsv.ts";
import { annotators, LAYOUTS, type Pictures, write } from "../../support/benchmark-data.ts";
import { parquetFile } from "../../support/parquet-file.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmarks-"));
afterAll(() => rmSync(root, { recursive: true }));
/** No UTF-8, so that bytes which pass as text are found out. */
const pictures: Pictures = [0, 1, 2].map((i) => new Uint8Array(80).fill(200 + i)) as never;
const SHORT = "Answer the question using a single word or phrase.";
const OPTIONS: ReadOptions = { ocr: false, suffix: undefined };

let folders = 0;
function newFolder(): string {
  return join(root, `${folders++}`);
}

function layOut(name: string, form: "files" | "parquet"): string {
  const folder = newFolder();
  LAYOUTS[name]![form]!(folder, pictures);
  return folder;
}

async function read(name: string, path: string, options: Partial<ReadOptions> = {}, images?: string) {
  return findBenchmark(name).read(new DataFolder(path, images), { ...OPTIONS, ...options });
}

/** Prompt, expected answers and number of the picture. */
async function asked(questions: readonly BenchmarkQuestion[]): Promise<[string, readonly string[], number][]> {
  return Promise.all(
    questions.map(async ({ prompt, expected, picture }) => {
      const bytes = Buffer.from(await picture().read());
      return [prompt, expected, pictures.findIndex((one) => bytes.equals(one))] as [string, readonly string[], number];
    }),
  );
}

describe.each(["files", "parquet"] as const)("as %s", (form) => {
  test("GQA", async () => {
    const questions = await read("gqa", layOut("gqa", form));
    expect(await asked(questions)).toEqual([
      [`What is left?\n${SHORT}`, ["whale"], 0],
      [`Is it red?\n${SHORT}`, ["no"], 1],
      [`Is there a cat?\n${SHORT}`, ["yes"], form === "files" ? 2 : 0],
    ]);
    expect(questions.map(({ id }) => id)).toEqual(["200", "201", "202"]);
  });

  test("VQAv2", async () => {
    const questions = await read("vqav2", layOut("vqav2", form));
    expect(await asked(questions)).toEqual([
      [`What is left?\n${SHORT}`, annotators("whale", 3), 0],
      [`Is it red?\n${SHORT}`, annotators("no", 4), 1],
      [`Is there a cat?\n${SHORT}`, annotators("yes", 5), 2],
    ]);
    expect(questions.map(({ category }) => category)).toEqual(["other", "yes/no", "yes/no"]);
  });

  test("TextVQA", async () => {
    const path = layOut("textvqa", form);
    expect(await asked(await read("textvqa", path))).toEqual([
      [`What is left?\n${SHORT}`, annotators("whale", 2), 0],
      [`Is it red?\n${SHORT}`, annotators("no", 3), 1],
      [`Is there a cat?\n${SHORT}`, annotators("yes", 4), 2],
    ]);
    const [first] = await read("textvqa", path, { ocr: true });
    expect(first!.prompt).toBe(`What is left?\nReference OCR token: STOP, 0\n${SHORT}`);
  });

  test("MME", async () => {
    const questions = await read("mme", layOut("mme", form));
    const all = await asked(questions);
    expect(all.map(([, expected]) => expected[0])).toEqual(all.map((_, i) => (i % 2 === 0 ? "yes" : "no")));
    const perTask = new Map(questions.map(({ category }, i) => [category, all[i]![2]]));
    const posters = form === "files" ? { posters: 1 } : {};
    expect(Object.fromEntries(perTask)).toEqual({ existence: 0, code_reasoning: 2, ...posters });
    expect(all.every(([prompt]) => prompt.endsWith("? Please answer yes or no."))).toBe(true);
    expect(new Set(questions.map(({ unit }) => unit)).size).toBe(questions.length / 2);
  });

  test("MMBench, with the file's rotations or our own", async () => {
    const questions = await read("mmbench", layOut("mmbench", form));
    const end = "Answer with the option's letter from the given choices directly.";
    const hint = 'It says "so".\nReally.\n';
    expect(await asked(questions)).toEqual([
      [`What is it?\nA. whale\nB. bus\n${end}`, ["A"], 0],
      [`What is it?\nA. bus\nB. whale\n${end}`, ["B"], 0],
      [`${hint}Which?\nA. red\nB. green\nC. blue\n${end}`, ["C"], 1],
      [`${hint}Which?\nA. green\nB. blue\nC. red\n${end}`, ["B"], 1],
      [`${hint}Which?\nA. blue\nB. red\nC. green\n${end}`, ["A"], 1],
    ]);
    expect(questions.map(({ unit }) => unit)).toEqual(["241", "241", "252", "252", "252"]);
    expect(questions[3]!.options).toEqual({ A: "green", B: "blue", C: "red" });
    expect(new Set(questions.map(({ id }) => id)).size).toBe(5);
  });

  test("POPE", async () => {
    const questions = await read("pope", layOut("pope", form));
    const byCategory = Object.fromEntries((await asked(questions)).map((one, i) => [questions[i]!.id, one]));
    expect(byCategory).toEqual({
      "random 0": [`What is left?\n${SHORT}`, ["yes"], 0],
      "random 1": [`Is it red?\n${SHORT}`, ["no"], 1],
      "popular 2": [`Is there a cat?\n${SHORT}`, ["yes"], 2],
    });
  });
});

test("a person's own folder", async () => {
  const questions = await read("folder", layOut("folder", "files"));
  expect(await asked(questions)).toEqual([
    ["What is left?", ["whale", "a big fish"], 0],
    ["Is it red?", ["no"], 1],
    ["Is there a cat?", ["yes"], 2],
  ]);
  expect(questions[0]!.category).toBe("animals");
});

test("another text after the questions, or none", async () => {
  const path = layOut("gqa", "files");
  expect((await read("gqa", path, { suffix: "In a word." }))[0]!.prompt).toBe("What is left?\nIn a word.");
  expect((await read("gqa", path, { suffix: "" }))[0]!.prompt).toBe("What is left?");
});

test("pictures in a folder of their own, and behind links as in the hub's cache", async () => {
  const [path, images] = [newFolder(), newFolder()];
  write(path, "q.jsonl", '{"image": "a.png", "question": "What?", "answer": "x"}');
  const blob = write(images, "blobs/0123", pictures[2]);
  write(images, "deep/readme", "");
  symlinkSync(blob, join(images, "deep/a.png"));
  expect((await asked(await read("folder", path, {}, images)))[0]![2]).toBe(2);
});

test("a picture is known by its bytes, and not by its folder", async () => {
  const hashes = await Promise.all(
    [pictures[0], pictures[0], pictures[1]].map(async (picture) => {
      const folder = newFolder();
      write(folder, "a.png", picture);
      write(folder, "q.jsonl", '{"image": "a.png", "question": "What?", "answer": "x"}');
      return (await read("folder", folder))[0]!.picture().hash;
    }),
  );
  expect(hashes[0]).toBe(hashes[1]);
  expect(hashes[0]).not.toBe(hashes[2]);
});

test("pictures of one Parquet file differ by their row", async () => {
  const hashes = (await read("vqav2", layOut("vqav2", "parquet"))).map(({ picture }) => picture().hash);
  expect(new Set(hashes).size).toBe(3);
});

describe("a TSV file", () => {
  test("has tabs, line breaks and quotes in its fields, and lines that count them", () => {
    expect(parseTsv('a\tb\r\n"1\t2\n3"\t"say ""so"""\n\nx\t\n', "f")).toEqual([
      { fields: { a: "1\t2\n3", b: 'say "so"' }, at: "f:2" },
      { fields: { a: "x", b: "" }, at: "f:5" },
    ]);
  });

  test("with a row of another length is refused by its line", () => {
    expect(() => parseTsv("a\tb\n1\t2\n1\n", "f")).toThrow("f:3: 1 fields in place of 2; download the file again");
  });
});

describe("bad data is refused by file, place and next step", () => {
  /** Message of reading a benchmark, and its pictures, from changed data. */
  async function messageOf(name: string, form: "files" | "parquet", change: (folder: string) => void): Promise<string> {
    const folder = layOut(name, form);
    change(folder);
    const failure = await read(name, folder)
      .then(asked)
      .then(
        () => "nothing",
        (error: Error) => error.message,
      );
    expect(failure).not.toContain("\n");
    // The reason is Node's, and each version words it otherwise.
    return failure.replaceAll(folder, "DATA").replace(/this is no JSON \(.* JSON .*\);/, "this is no JSON (REASON);");
  }

  const cases: [
    what: string,
    benchmark: string,
    form: "files" | "parquet",
    change: (folder: string) => void,
    string,
  ][] = [
    [
      "a missing picture",
      "gqa",
      "files",
      (folder) => rmSync(join(folder, "images/n2.jpg")),
      "DATA/testdev_balanced_questions.json: question 201: the picture n2.jpg is not below DATA; add it, or pass its folder as --images",
    ],
    [
      "a broken JSON file",
      "gqa",
      "files",
      (folder) => write(folder, "testdev_balanced_questions.json", "{"),
      "DATA/testdev_balanced_questions.json: this is no JSON (REASON); download the file again, or mend it there",
    ],
    [
      "no file of questions",
      "gqa",
      "files",
      (folder) => {
        rmSync(join(folder, "testdev_balanced_questions.json"));
        rmSync(join(folder, "val_balanced_questions.json"));
      },
      "DATA: no testdev_balanced_questions.json below this folder; pass its path as --data",
    ],
    [
      "a question without an answer",
      "gqa",
      "files",
      (folder) => write(folder, "testdev_balanced_questions.json", { 7: { imageId: "n1", question: "What?" } }),
      'DATA/testdev_balanced_questions.json: question 7: no field "answer", only imageId, question; use the benchmark\'s own file',
    ],
    [
      "nine annotators",
      "vqav2",
      "files",
      (folder) =>
        write(folder, "v2_mscoco_val2014_annotations.json", {
          annotations: [70, 71, 72].map((question_id) => ({ question_id, answers: Array(9).fill({ answer: "x" }) })),
        }),
      "DATA/v2_mscoco_val2014_annotations.json: annotation 1: 9 answers in place of ten annotators' answers; use the validation set",
    ],
    [
      "annotations of another split",
      "vqav2",
      "files",
      (folder) =>
        write(folder, "v2_mscoco_val2014_annotations.json", {
          annotations: [{ question_id: 1, answers: annotators("x") }],
        }),
      "DATA/v2_OpenEnded_mscoco_val2014_questions.json: question 1: DATA/v2_mscoco_val2014_annotations.json has no question_id 70; use two files of one split",
    ],
    [
      "two files that fit",
      "mmbench",
      "files",
      (folder) => write(folder, "mmbench_cn.tsv", ""),
      "DATA: 2 files could be the TSV file of MMBench; pass one as --data, such as DATA/mmbench_cn.tsv",
    ],
    [
      "a set without answers",
      "textvqa",
      "files",
      (folder) =>
        write(folder, "TextVQA_0.5.1_val.json", { data: [{ image_id: "t0", question_id: 1, question: "What?" }] }),
      "DATA/TextVQA_0.5.1_val.json: entry 1: no answers; sets for submission have none, use the validation set",
    ],
    [
      "a third question",
      "mme",
      "files",
      (folder) => write(folder, "existence/0001.txt", "A?\tYes\nB?\tNo\nC?\tNo\n"),
      "DATA/existence/0001.txt:1: 3 questions on existence/0001 in place of 2; download the task again",
    ],
    [
      "a line without a tab",
      "mme",
      "files",
      (folder) => write(folder, "existence/0001.txt", "A?\tYes\nB? No\n"),
      "DATA/existence/0001.txt:2: a line must be a question, a tab, and Yes or No; mend it, or download the task again",
    ],
    [
      "an answer that is neither",
      "mme",
      "files",
      (folder) => write(folder, "existence/0001.txt", "A?\tYes\nB?\tPerhaps\n"),
      'DATA/existence/0001.txt:2: the expected answer must be yes or no, got "Perhaps"; mend it, or use the benchmark\'s own file',
    ],
    [
      "an unknown answer letter",
      "mmbench",
      "files",
      (folder) => write(folder, "mmbench_dev.tsv", "index\tquestion\tA\tB\tanswer\timage\n1\tWhat?\tx\ty\tC\tAAAA\n"),
      "DATA/mmbench_dev.tsv:2: the answer C is none of the 2 options; download the file again",
    ],
    [
      "the test set",
      "mmbench",
      "files",
      (folder) => write(folder, "mmbench_dev.tsv", "index\tquestion\tA\tB\tanswer\timage\n1\tWhat?\tx\ty\t\tAAAA\n"),
      "DATA/mmbench_dev.tsv:2: no answer; the test set has none, use the dev set",
    ],
    [
      "an unknown column",
      "mmbench",
      "files",
      (folder) => write(folder, "mmbench_dev.tsv", "index\tquestion\tA\tB\tpicture\n1\tWhat?\tx\ty\tAAAA\n"),
      'DATA/mmbench_dev.tsv:1: no column "answer", only index, question, A, B, picture; use the official file',
    ],
    [
      "a broken line",
      "pope",
      "files",
      (folder) =>
        write(
          folder,
          "coco/coco_pope_popular.json",
          '{"image": "COCO_0.jpg", "text": "A?", "label": "yes"}\n{"image\n',
        ),
      "DATA/coco/coco_pope_popular.json:2: this is no JSON (REASON); download the file again, or mend it there",
    ],
    [
      "an empty list of answers",
      "folder",
      "files",
      (folder) => write(folder, "questions.jsonl", '\n{"image": "a.png", "question": "What?", "answers": [""]}\n'),
      'DATA/questions.jsonl:2: "answers" is empty; list at least one accepted answer',
    ],
    [
      "two pictures of a name",
      "pope",
      "files",
      (folder) => write(folder, "train2014/COCO_1.jpg", pictures[0]),
      "DATA/coco/coco_pope_random.json:2: DATA/train2014/COCO_1.jpg and DATA/val2014/COCO_1.jpg could be the picture; pass the folder of one as --images",
    ],
    [
      "a picture outside the folder",
      "folder",
      "files",
      (folder) =>
        write(folder, "questions.jsonl", '{"image": "../../../etc/passwd", "question": "What?", "answers": ["x"]}'),
      "DATA/questions.jsonl:1: the picture ../../../etc/passwd is not below DATA; add it, or pass its folder as --images",
    ],
    [
      "an unknown column of Parquet",
      "vqav2",
      "parquet",
      (folder) => {
        rmSync(join(folder, "data"), { recursive: true });
        write(folder, "a.parquet", parquetFile({ question_id: ["number", [1]], text: ["text", ["What?"]] }));
      },
      'DATA/a.parquet: no column "question", "answers", "image", only question_id, text; use the benchmark\'s files, as lmms-lab mirrors them',
    ],
    [
      "a Parquet file that was cut off",
      "vqav2",
      "parquet",
      (folder) => write(folder, "data/validation-00001-of-00002.parquet", new Uint8Array(100)),
      "DATA/data/validation-00001-of-00002.parquet: cannot read this Parquet file (parquet file invalid (footer != PAR1)); download it again",
    ],
    [
      "a row without a picture",
      "vqav2",
      "parquet",
      (folder) => {
        const columns = { question_id: [1, 2], question: ["A?", "B?"], answers: [annotators("x"), annotators("x")] };
        const table = parquetFile({
          question_id: ["number", columns.question_id],
          question: ["text", columns.question],
          answers: ["annotators", columns.answers],
          image: ["picture", [pictures[0], null]],
        });
        rmSync(join(folder, "data"), { recursive: true });
        write(folder, "data/validation-00000-of-00001.parquet", table);
      },
      'DATA/data/validation-00000-of-00001.parquet: row 2: no picture in column "image", got null; download the file again',
    ],
    [
      "answers that were held back, in Parquet",
      "vqav2",
      "parquet",
      (folder) => {
        const table = parquetFile({
          question_id: ["number", [1]],
          question: ["text", ["A?"]],
          answers: ["annotators", [null]],
          image: ["picture", [pictures[0]]],
        });
        rmSync(join(folder, "data"), { recursive: true });
        write(folder, "data/test-00000-of-00001.parquet", table);
      },
      "DATA/data/test-00000-of-00001.parquet: row 1: no answers; sets for submission have none, use the validation set",
    ],
    [
      "several sets of Parquet",
      "vqav2",
      "parquet",
      (folder) => {
        rmSync(join(folder, "data/validation-00000-of-00002.parquet"));
        rmSync(join(folder, "data/validation-00001-of-00002.parquet"));
        const table = parquetFile({
          question_id: ["number", [1]],
          question: ["text", ["A?"]],
          answers: ["annotators", [annotators("x")]],
          image: ["picture", [pictures[0]]],
        });
        write(folder, "data/train-00000-of-00001.parquet", table);
      },
      "DATA: several sets (data/testdev, data/train); pass the folder or file of one as --data",
    ],
  ];

  test.for(cases)("%s", async ([, name, form, change, message]) => {
    expect(await messageOf(name, form, change)).toBe(message);
  });

  test("a path that is not there", () => {
    expect(() => new DataFolder(join(root, "nothing"))).toThrow(/^--data .*nothing: no such file or folder; pass/);
    writeFileSync(join(root, "file"), "");
    expect(() => new DataFolder(root, join(root, "file"))).toThrow(/^--images .*file: no such folder; pass/);
  });
});
