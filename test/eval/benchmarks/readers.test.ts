/** Benchmarks as people have them: what is asked, what is right, and which picture it is about. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseTsv } from "../../../eval/benchmarks/tsv.ts";
import { annotators, LAYOUTS, write } from "../../support/benchmark-data.ts";
import { asked, pictures, readBenchmark as read } from "../../support/read-benchmark.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmarks-"));
afterAll(() => rmSync(root, { recursive: true }));
const SHORT = "Answer the question using a single word or phrase.";

let folders = 0;
function newFolder(): string {
  return join(root, `${folders++}`);
}

function layOut(name: string, form: "files" | "parquet"): string {
  const folder = newFolder();
  LAYOUTS[name]![form]!(folder, pictures);
  return folder;
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
