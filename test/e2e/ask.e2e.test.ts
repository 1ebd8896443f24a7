/** `npm run ask` as a terminal sees it: output, errors and exit codes, on real models. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { PageResult } from "../../tools/ask-page.mjs";
import { projectRoot, runCommand, startCommand } from "../support/command.ts";
import { describeShared } from "../support/shared.ts";

const shared = `${projectRoot}/../shared`;
const stories = ["--model", `${shared}/real/stories260K`];
const classifier = ["--model", `${shared}/real/vit-tiny`];
const cat = ["--image", `${shared}/real/photos/originals_large/chelsea.png`];
const empty = mkdtempSync(join(tmpdir(), "fovea-empty-"));
afterAll(() => rmSync(empty, { recursive: true }));

/** Exit code 1, nothing on standard output, and one line on standard error, which is handed back. */
async function failure(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand("ask", args, env);
  expect(stderr).toMatch(/^ask: [^\n]+\n$/);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  return stderr;
}

describe("without a model", () => {
  test("--help", async () => {
    const { code, stdout, stderr } = await runCommand("ask", ["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("--max-tokens");
  });

  test("a wrong option", async () => {
    expect(await failure(["--picture", "x.png"])).toContain("unknown option --picture");
  });

  test("no browser", async () => {
    const stderr = await failure(["--model", empty, "--prompt", "Hello"], { CHROME_PATH: "/no/browser" });
    expect(stderr).toContain("CHROME_PATH is /no/browser");
  });

  test("a folder that holds no model", async () => {
    expect(await failure(["--model", empty, "--prompt", "Hello"])).toContain(`no config.json in ${empty}`);
  });

  test("a source that is no address", async () => {
    expect(await failure(["--model", "ftp://example.org/model", "--prompt", "Hello"])).toContain("ftp://example.org");
  });
});

describeShared("a language model", () => {
  test("streams the text that the reference wrote", async () => {
    const { code, stdout, stderr, chunks } = await runCommand("ask", [...stories, "--prompt", "Once upon a time"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^, there was a little girl named Lily\. She loved to play outside in the park\. .*\n$/s);
    expect(chunks.length).toBeGreaterThan(3);
  });

  test("--json and --max-tokens", async () => {
    const line = [...stories, "--prompt", "Once upon a time", "--max-tokens", "8", "--json"];
    const { code, stdout, stderr } = await runCommand("ask", line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const result: PageResult = JSON.parse(stdout);
    expect(result).toMatchObject({ images: [], reason: "length", model: { modelType: "llama", imageTokens: 0 } });
    expect(result.stats).toMatchObject({ newTokens: 8, imageTokensBefore: 0 });
    expect(result.answer).toMatch(/^, there was a little girl/);
  });

  test("refuses a picture", async () => {
    expect(await failure([...stories, ...cat, "--prompt", "What is this?"])).toContain("reads text only");
  });

  test("wants a prompt", async () => {
    expect(await failure(stories)).toContain("--prompt is missing");
  });

  test("ends at Ctrl-C, and its browser with it", async () => {
    const running = startCommand("ask", [...stories, "--prompt", "Once upon a time", "--max-tokens", "400"]);
    await running.said(/there/);
    const children = childrenOf(running.process.pid!);
    expect(children.length).toBeGreaterThan(0);
    running.process.kill("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(stdout).toMatch(/^, there.*\n$/s);
    await expect.poll(() => children.filter(isRunning), { timeout: 20_000 }).toEqual([]);
  });
});

describeShared("a classifier", () => {
  test("prints its five likeliest classes", async () => {
    const { code, stdout, stderr } = await runCommand("ask", [...classifier, ...cat]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ 7\d\.\d % {2}Egyptian cat\n( +\d+\.\d % {2}[^\n]+\n){4}$/);
  });

  test("--json tells every class", async () => {
    const { code, stdout } = await runCommand("ask", [...classifier, ...cat, "--json"]);
    expect(code).toBe(0);
    const { classes, images, model }: PageResult = JSON.parse(stdout);
    expect(classes).toHaveLength(1000);
    expect(classes![0]!.label).toBe("Egyptian cat");
    expect(classes![0]!.probability).toBeCloseTo(0.74, 2);
    expect(classes!.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    expect(images).toMatchObject([{ file: "chelsea.png", tokens: 197 }]);
    expect(model.modelType).toBe("vit");
  });

  test("sees the cat in half of the tokens too", async () => {
    const { stdout } = await runCommand("ask", [...classifier, ...cat, "--tokens", "98", "--json"]);
    const { classes, images }: PageResult = JSON.parse(stdout);
    expect(images[0]!.tokens).toBe(99);
    expect(classes![0]!.label).toBe("Egyptian cat");
  });

  test("wants one picture and no prompt", async () => {
    expect(await failure(classifier)).toContain("one --image, not 0");
    expect(await failure([...classifier, ...cat, "--prompt", "What is this?"])).toContain("takes no --prompt");
  });

  test("refuses what is no picture", async () => {
    expect(await failure([...classifier, "--image", `${projectRoot}/package.json`])).toContain("package.json");
  });
});

/** Processes that a process started, where the system tells. */
function childrenOf(pid: number): number[] {
  if (process.platform !== "linux") return [process.pid];
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform === "linux";
  } catch {
    return false;
  }
}
