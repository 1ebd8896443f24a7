/** `npm run eval -- --benchmark`: the demo model on made-up data in each benchmark's layout, and on a server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type BenchmarkRun, benchmarkMain } from "../../eval/benchmark-main.ts";
import { ModelPage, type OpenOptions } from "../../eval/browser.ts";
import { parseEvalOptions } from "../../eval/options.mjs";
import { ensureLibrary } from "../../tools/library.mjs";
import { LAYOUTS, type Pictures, write } from "../support/benchmark-data.ts";
import { answerOf, useChatServer } from "../support/chat-server.ts";
import { projectRoot, runCommand } from "../support/command.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmark-"));
afterAll(() => rmSync(root, { recursive: true }));
/** Of the set that ships. A whale and a frog are in the first. */
const pictures = ["0000.png", "0001.png", "0002.png"].map((name) =>
  readFileSync(join(projectRoot, "eval/set", name)),
) as unknown as Pictures;

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
const reportIn = (out: string, file = "report"): any => JSON.parse(readFileSync(join(out, `${file}.json`), "utf8"));

describe("the demo model", () => {
  let page: ModelPage;
  let read: Extract<OpenOptions["pictures"][string], (file: string) => unknown>;

  // One browser for all benchmarks.
  beforeAll(async () => {
    const options: OpenOptions = {
      address: undefined,
      folder: join(projectRoot, "public/fovea-demo"),
      weights: "auto",
      pictures: { benchmark: (name) => read(name) },
    };
    page = await ModelPage.open(options);
  });
  afterAll(() => page.close());

  let opened = 0;
  beforeEach(() => {
    opened = 0;
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
  });
  afterEach(() => vi.restoreAllMocks());

  /** The command, in this process and with the page that is open. */
  function run(options: BenchmarkRun, args: string[]): Promise<number> {
    return benchmarkMain(options, args, ensureLibrary, async ({ pictures }) => {
      opened++;
      read = pictures.benchmark as typeof read;
      return { info: page.info, library: page.library, ask: (question) => page.ask(question), close: async () => {} };
    });
  }

  const forms = Object.entries(LAYOUTS).flatMap(([name, { parquet }]) =>
    parquet
      ? ([
          [name, "files"],
          [name, "parquet"],
        ] as const)
      : ([[name, "files"]] as const),
  );

  test.for(forms)("answers %s as %s", async ([name, form]) => {
    const [data, out] = [join(root, name, form), join(root, name, `${form} out`)];
    LAYOUTS[name]![form]!(data, pictures);
    // Files of the other kind hold the same questions, which are compared once.
    const asked = form === "files" ? ["full", "vmtc-50"] : ["full"];
    const args = ["--benchmark", name, "--data", data, "--out", out, "--settings", asked.join(), "--browsers", "1"];
    const options = parseEvalOptions([...args, "--max-tokens", "8"]) as BenchmarkRun;
    expect(await run(options, args)).toBe(0);
    // The second run has all answers.
    expect(await run(options, args)).toBe(0);
    expect(opened).toBe(1);
    const { settings, comparisons, questions } = reportIn(out);
    const tokens = [
      ["full", 64],
      ["vmtc-50", 32],
    ];
    expect(settings.map(({ id, imageTokens }: { id: string; imageTokens: number }) => [id, imageTokens])).toEqual(
      tokens.slice(0, asked.length),
    );
    for (const { answers, figures } of settings) {
      expect(answers).toBe(questions);
      expect(figures[0].value).toBeGreaterThanOrEqual(0);
    }
    expect(comparisons.length).toBe(asked.length - 1);
    expect(readFileSync(join(out, "report.md"), "utf8")).toContain("(report.svg)");
  });

  test("is right about what it sees, and wrong about something else", async () => {
    const [data, out] = [join(root, "own"), join(root, "own out")];
    const question = "What is in this picture?";
    const line = (answer: string) => JSON.stringify({ image: "a.png", question, answers: [answer] });
    write(data, "a.png", pictures[0]);
    write(data, "questions.jsonl", ["whale", "frog", "bus"].map(line).join("\n"));
    const args = ["--benchmark", "folder", "--data", data, "--out", out, "--settings", "full", "--browsers", "1"];
    expect(await run(parseEvalOptions(args) as BenchmarkRun, args)).toBe(0);
    expect(reportIn(out).settings[0].figures).toEqual([{ name: "accuracy", value: 66.666667, most: 100, count: 3 }]);
  });
});

describe("on a server", () => {
  const server = useChatServer(answerOf("No."));

  test("the model there is asked, greedily and with the picture", async () => {
    const [data, out] = [join(root, "served"), join(root, "served out")];
    LAYOUTS.pope!.files(data, pictures);
    const args = ["--benchmark", "pope", "--data", data, "--out", out, "--server", server.origin, "--model", "big"];
    const { code, stderr } = await runCommand("eval", args, { FOVEA_API_KEY: "secret" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("3 questions asked in") });
    // Only the second of three expects a no.
    const { settings, model } = reportIn(out);
    expect(settings[0].figures[0]).toMatchObject({ name: "accuracy", value: 33.333333 });
    expect(model.name).toBe(`big at ${server.origin}`);
    const asked = server.received.filter(({ path }) => path.endsWith("/chat/completions"));
    expect(asked.length).toBe(3);
    const [{ body, headers }] = asked as [(typeof asked)[0]];
    expect(headers.authorization).toBe("Bearer secret");
    expect(body).toMatchObject({ model: "big", temperature: 0, max_tokens: 32 });
    expect(JSON.stringify(body.messages)).toContain("Answer the question using a single word or phrase.");
    expect(JSON.stringify(body.messages)).toMatch(/data:image\/(png|jpeg);base64,/);
  });
});

test("npm run sweep compares methods over tokens and time on own pictures", async () => {
  const [data, out] = [join(root, "swept"), join(root, "swept out")];
  LAYOUTS.folder!.files(data, pictures);
  const args = ["--images", data, "--questions", join(data, "questions.jsonl"), "--out", out];
  const { code, stderr } = await runCommand("sweep", [...args, "--methods", "vmtc,diverse", "--tokens", "8,16"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("15 questions asked in") });
  const { settings } = reportIn(out, "sweep");
  expect(
    settings.map(({ curve, imageTokens }: { curve: string; imageTokens: number }) => [curve, imageTokens]),
  ).toEqual([
    ["all", 64],
    ["vmtc", 8],
    ["vmtc", 16],
    ["diverse", 8],
    ["diverse", 16],
  ]);
  const svg = readFileSync(join(out, "sweep.svg"), "utf8");
  for (const label of ["vmtc", "diverse", "image tokens", "seconds an answer"]) expect(svg).toContain(label);
});
