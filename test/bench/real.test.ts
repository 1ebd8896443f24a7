/** The benchmark of a published model: its command line, and the report of known figures. */
import { expect, test } from "vitest";
import { parseRealRun } from "../../bench/real/options.mjs";
import { kernelText, type Measured, reportText } from "../../bench/real/report.ts";
import { ALL_SUBJECTS } from "../../bench/real/subjects.ts";

const about = { date: "2026-01-01", command: "npm run bench -- --real", machine: "2 cores", loadBefore: 0 };

test("the command line", () => {
  expect(parseRealRun(["--real"])).toMatchObject({ browser: "chromium", rounds: 1, tokens: 16, kernels: false });
  const { subjects } = parseRealRun(["--real", "--kernels", "--subjects", "wllama-wasm, fovea-q4"]);
  expect(subjects).toEqual(["fovea-q4"]);
  expect(() => parseRealRun(["--real", "--subjects", "other"])).toThrow(
    /^--subjects must be of fovea-gguf, .*"other"$/,
  );
  expect(() => parseRealRun(["--real", "--browser", "opera"])).toThrow(/^--browser must be chromium or firefox/);
  expect(() => parseRealRun(["--real", "--rounds", "0"])).toThrow(/^--rounds must be a positive integer/);
});

test("rates count the rows that ran, and a round's figures their median", () => {
  const asked = (firstMs: number) => ({
    firstMs,
    totalMs: firstMs + 3000,
    promptTokens: 46,
    ranTokens: 40,
    newTokens: 7,
    text: "",
  });
  const round = (firstMs: number): Measured => ({
    loaded: { ms: 2000, about: "q4 on an adapter", weightBytes: 1e8, gpuBytes: 2e8 },
    sentBytes: 98e6,
    short: [asked(4000), asked(firstMs)],
    long: { ...asked(20_000), ranTokens: 200, promptTokens: 256 },
    heap: undefined,
    memory: { now: 3e8, peak: 4e8 },
  });
  const run = parseRealRun(["--real", "--rounds", "3"]);
  const [subject] = ALL_SUBJECTS;
  const measured = new Map([[subject!, [round(1000), round(2000), round(8000)]]]);
  const disk = { firstMs: 9000, again: [1, 2, 3].map((i) => ({ loadMs: 1500 * i, readMs: 1000 })), byteLength: 98e6 };
  const text = reportText({ about, run, measured, failures: ["wllama-webgpu: no adapter"], disk });
  expect(text).toContain("| first question after the load, prefill, tokens/s | 10.0 |");
  expect(text).toContain("| second question, prefill, tokens/s | 20.0 |");
  expect(text).toContain("| decoding, tokens/s | 2.00 |");
  expect(text).toContain("| load and first token of a prompt, s | 6.00 |");
  // Not told by the browser.
  expect(text).toContain("| scripts and WebAssembly, MB |  |");
  expect(text).toContain("a load takes 3.00 times as long");
  expect(text).toContain("Did not run: wllama-webgpu: no adapter.");
});

test("kernels come with their share", () => {
  const text = kernelText("a token", [
    { label: "matvec", ms: 9, count: 4 },
    { label: "other", ms: 1, count: 2 },
  ]);
  expect(text).toContain("| kernels of a token: 10.0 ms | ms | dispatches | share |");
  expect(text).toContain("| matvec | 9.00 | 4 | 90.0 % |");
});
