/** Bad data of benchmarks: every error names the file, the place in it and the next step. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { DataFolder } from "../../../eval/benchmarks/data-folder.ts";
import { annotators, LAYOUTS, write } from "../../support/benchmark-data.ts";
import { parquetFile } from "../../support/parquet-file.ts";
import { asked, pictures, readBenchmark as read } from "../../support/read-benchmark.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-bad-data-"));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
function layOut(name: string, form: "files" | "parquet"): string {
  const folder = join(root, `${folders++}`);
  LAYOUTS[name]![form]!(folder, pictures);
  return folder;
}

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
    return failure.replaceAll(folder, "DATA").replace(/this is not JSON \(.* JSON .*\);/, "this is not JSON (REASON);");
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
      "DATA/testdev_balanced_questions.json: this is not JSON (REASON); download the file again, or fix it there",
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
      "DATA/existence/0001.txt:2: a line must be a question, a tab, and Yes or No; fix it, or download the task again",
    ],
    [
      "an answer that is neither",
      "mme",
      "files",
      (folder) => write(folder, "existence/0001.txt", "A?\tYes\nB?\tPerhaps\n"),
      'DATA/existence/0001.txt:2: the expected answer must be yes or no, got "Perhaps"; fix it, or use the benchmark\'s own file',
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
      "DATA/coco/coco_pope_popular.json:2: this is not JSON (REASON); download the file again, or fix it there",
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
      "DATA/data/validation-00001-of-00002.parquet: cannot read this Parquet file (parquet file invalid (footer != PAR1)); download it again, or write it with Snappy",
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
