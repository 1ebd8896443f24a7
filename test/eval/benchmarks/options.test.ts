/** The command line of benchmarks and sweeps. */
import { expect, test } from "vitest";
import { BENCHMARKS } from "../../../eval/benchmark-options.mjs";
import { findBenchmark } from "../../../eval/benchmarks/registry.ts";
import { type EvalOptions, parseEvalOptions } from "../../../eval/options.mjs";
import { evalArguments } from "../../../tools/sweep.mjs";

function parse(line: string): EvalOptions {
  return parseEvalOptions(line.split(" ")) as EvalOptions;
}

test("a benchmark: two settings, unless others are named", () => {
  const options = parse("--benchmark gqa --data there --limit 9");
  expect(options).toMatchObject({ settings: ["full", "vmtc-50+cmai"], limit: 9, model: "fovea-demo" });
  expect(options.benchmark).toEqual({
    name: "gqa",
    data: "there",
    images: undefined,
    server: undefined,
    suffix: undefined,
    maxTokens: undefined,
    ocr: false,
    match: "words",
    sweep: undefined,
  });
  expect(parse("--limit 9")).toMatchObject({ settings: ["main", "ablation"], benchmark: undefined });
});

test("a benchmark on a server: without compression", () => {
  const options = parse("--benchmark pope --data there --server http://localhost:8000/v1 --model big");
  expect(options).toMatchObject({
    settings: ["full"],
    model: "big",
    benchmark: { server: "http://localhost:8000/v1" },
  });
});

test("a sweep: one browser, the set that ships or a benchmark", () => {
  expect(parse("--sweep")).toMatchObject({
    browsers: 1,
    benchmark: {
      name: "set",
      sweep: {
        methods: ["vmtc", "prune-last", "prumerge", "diverse", "uniform", "pool"],
        tokens: undefined,
        inhibition: [0],
      },
    },
  });
  expect(parse("--sweep --benchmark mme --data d --methods vmtc --tokens 8,16,8 --inhibition 0,0.6")).toMatchObject({
    benchmark: { name: "mme", sweep: { methods: ["vmtc"], tokens: [8, 16], inhibition: [0, 0.6] } },
  });
});

test("every name has a benchmark", () => {
  expect(BENCHMARKS.map((name) => findBenchmark(name).name)).toEqual(BENCHMARKS);
});

test.for([
  ["--benchmark vqa --data d", `--benchmark: unknown "vqa"; choose from ${BENCHMARKS.join(", ")}`],
  ["--benchmark gqa", "--data is missing; pass the folder of the benchmark's files, or its file of questions"],
  ["--data d", `--data needs --benchmark; choose from ${BENCHMARKS.join(", ")}`],
  ["--sweep --data d", `--data needs --benchmark; choose from ${BENCHMARKS.join(", ")}`],
  ["--benchmark gqa --data d --tokens 8", "--tokens needs --sweep"],
  ["--sweep --tokens 8,none", '--tokens must be positive integers, got "none"'],
  ["--sweep --inhibition 2", '--inhibition must be shares from 0 to 1, got "2"'],
  ["--sweep --settings full", "--settings: a sweep makes its own; use --methods, --tokens and --inhibition"],
  ["--sweep --server http://x/v1 --model m", "--sweep: a server does not compress; leave --server out"],
  ["--benchmark gqa --data d --server http://x/v1", "--model is missing; name a model of the server"],
  ["--benchmark gqa --data d --server x --model m", "--server must be an http(s) address such as https://host/v1"],
  ["--benchmark folder --data d --match some", '--match must be words or exact, got "some"'],
  ["--benchmark folder --data d --max-tokens 0", '--max-tokens must be a positive integer, got "0"'],
] as const)("%s: %s", ([line, message]) => {
  expect(() => parse(line)).toThrow(message);
});

test("an empty text after questions is one, and an empty path is none", () => {
  const parsed = parseEvalOptions(["--benchmark", "gqa", "--data", "d", "--suffix", ""]) as EvalOptions;
  expect(parsed.benchmark!.suffix).toBe("");
  expect(() => parseEvalOptions(["--benchmark", "gqa", "--data", " "])).toThrow("--data is empty; pass a value");
});

test("npm run sweep is a sweep of one's own pictures", () => {
  const args = evalArguments(["--images", "photos", "--questions", "q.jsonl", "--tokens", "8,16", "--model", "m"]);
  expect(parseEvalOptions(args)).toMatchObject({
    model: "m",
    browsers: 1,
    benchmark: { name: "folder", data: "q.jsonl", images: "photos", sweep: { tokens: [8, 16] } },
  });
  expect(evalArguments(["--images", "photos"])).toEqual([
    "--sweep",
    "--benchmark",
    "folder",
    "--data",
    "photos",
    "--images",
    "photos",
  ]);
  expect(() => evalArguments(["--tokens", "8"])).toThrow("--images is missing; pass the folder of your pictures");
  expect(() => evalArguments(["--pictures", "a"])).toThrow(/^unknown option --pictures; options: --images,/);
});
