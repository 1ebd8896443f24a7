/** Reads made-up benchmarks for tests, and identifies their pictures. Node only. */
import type { BenchmarkQuestion, ReadOptions } from "../../eval/benchmarks/benchmark.ts";
import { DataFolder } from "../../eval/benchmarks/data-folder.ts";
import { findBenchmark } from "../../eval/benchmarks/registry.ts";
import type { Pictures } from "./benchmark-data.ts";

/** No UTF-8, so that bytes which pass as text are found out. */
export const pictures: Pictures = [0, 1, 2].map((i) => new Uint8Array(80).fill(200 + i)) as never;

/** Reads the questions of a benchmark from a folder or file. */
export async function readBenchmark(name: string, path: string, options: Partial<ReadOptions> = {}, images?: string) {
  return findBenchmark(name).read(new DataFolder(path, images), { ocr: false, suffix: undefined, ...options });
}

/** Prompt, expected answers and number of the picture. */
export async function asked(questions: readonly BenchmarkQuestion[]): Promise<[string, readonly string[], number][]> {
  return Promise.all(
    questions.map(async ({ prompt, expected, picture }) => {
      const bytes = Buffer.from(await picture().read());
      return [prompt, expected, pictures.findIndex((one) => bytes.equals(one))] as [string, readonly string[], number];
    }),
  );
}
