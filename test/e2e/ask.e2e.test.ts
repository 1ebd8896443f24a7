/** `npm run ask` as a terminal sees it: output, errors and exit codes, on small models whose answers are known. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PageResult } from "../../tools/ask-page.mjs";
import { answerOf, ChatServer } from "../support/chat-server.ts";
import { projectRoot, runCommand, startCommand } from "../support/command.ts";
import { ggufModel, LANGUAGE_FILE } from "../support/gguf-model.ts";
import { writeFolder } from "../support/model-folder.ts";
import { pngOf } from "../support/png.ts";
import {
  CLASSIFIER_SIDE,
  CLASSIFIER_TOKENS,
  classifierFiles,
  expectAnswer,
  languageFiles,
  QUESTION,
  referenceAnswer,
  referenceClasses,
} from "../support/random-models.ts";

const folder = mkdtempSync(join(tmpdir(), "fovea-ask-"));
const empty = join(folder, "empty");
const [language, vision] = [writeFolder(languageFiles()), writeFolder(classifierFiles())];
const small = ["--model", language.folder];
const classifier = ["--model", vision.folder];
const rgb = Uint8Array.from({ length: CLASSIFIER_SIDE ** 2 * 3 }, (_, i) => (i * 7) % 251);
const picture = ["--image", join(folder, "picture.png")];
beforeAll(() => {
  mkdirSync(empty);
  writeFileSync(picture[1]!, pngOf(CLASSIFIER_SIDE, CLASSIFIER_SIDE, rgb));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  for (const { remove } of [language, vision]) remove();
});

/** The classes in the order of their probabilities, in percent. */
function likeliest(tokens?: number): { label: string; percent: number }[] {
  return referenceClasses(rgb, tokens)
    .map((probability, id) => ({ label: `kind ${id}`, percent: 100 * probability }))
    .sort((a, b) => b.percent - a.percent);
}

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

describe("a language model", () => {
  test("streams the text that the reference wrote", async () => {
    const { code, stdout, stderr, chunks } = await runCommand("ask", [...small, "--prompt", QUESTION]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^note: The model has no chat template[^\n]+\n$/),
    });
    expectAnswer(stdout);
    expect(stdout).toMatch(/ \n$/);
    expect(chunks.length).toBeGreaterThan(3);
  });

  test("--json and --max-tokens", async () => {
    const line = [...small, "--prompt", QUESTION, "--max-tokens", "8", "--json"];
    const { code, stdout, stderr } = await runCommand("ask", line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const result: PageResult = JSON.parse(stdout);
    expect(result).toMatchObject({ images: [], reason: "length", model: { family: "llama", imageTokens: 0 } });
    expect(result.stats).toMatchObject({ newTokens: 8, imageTokensBefore: 0 });
    expect(result.answer).toBe(referenceAnswer(8));
  });

  test("refuses a picture", async () => {
    expect(await failure([...small, ...picture, "--prompt", "What is this?"])).toContain("reads text only");
  });

  test("wants a prompt", async () => {
    expect(await failure(small)).toContain("--prompt is missing");
  });

  test("ends at Ctrl-C, and its browser with it", async () => {
    const running = startCommand("ask", [...small, "--prompt", QUESTION, "--max-tokens", "400"]);
    await running.said(/n\d+ /);
    const children = childrenOf(running.process.pid!);
    expect(children.length).toBeGreaterThan(0);
    running.process.kill("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(stdout).toMatch(/^n\d+ .*\n$/s);
    await expect.poll(() => children.filter(isRunning), { timeout: 20_000 }).toEqual([]);
  });
});

test("a server, with its key and a picture", async () => {
  const chat = await ChatServer.start();
  chat.answers = [answerOf("A ", "harbour.")];
  try {
    const line = ["--server", `${chat.origin}/v1`, "--model", "big", ...picture, "--prompt", "What is this?"];
    const { code, stdout, stderr } = await runCommand("ask", line, { FOVEA_API_KEY: "sk-of-a-test" });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "A harbour.\n", stderr: "" });
    const { headers, body } = chat.received.at(-1)!;
    expect([headers.authorization, body.model]).toEqual(["Bearer sk-of-a-test", "big"]);
    expect(body.messages[0].content[0].image_url.url).toMatch(/^data:image\/(png|jpeg);base64,/);
  } finally {
    chat.close();
  }
});

test("a GGUF file, and the vision file beside it", async () => {
  const model = writeFolder(await ggufModel("internvl-qwen2-bf16"));
  try {
    const args = ["--model", join(model.folder, LANGUAGE_FILE), ...picture, "--prompt", "Hello", "--max-tokens", "2"];
    const { code, stdout, stderr } = await runCommand("ask", [...args, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { model: info, images, answer } = JSON.parse(stdout) as PageResult;
    expect(info).toMatchObject({ family: "internvl", takesPictures: true });
    expect(images.map(({ file }) => file)).toEqual(["picture.png"]);
    expect(answer).not.toBe("");
  } finally {
    model.remove();
  }
});

describe("a classifier", () => {
  test("prints its five likeliest classes", async () => {
    const { code, stdout, stderr } = await runCommand("ask", [...classifier, ...picture]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const best = likeliest().slice(0, 5);
    const lines = best.map(({ label, percent }) => `${percent.toFixed(1).padStart(5)} %  ${label}\n`);
    expect(stdout).toBe(lines.join(""));
  });

  test("--json tells every class", async () => {
    const { code, stdout } = await runCommand("ask", [...classifier, ...picture, "--json"]);
    expect(code).toBe(0);
    const { classes, images, model }: PageResult = JSON.parse(stdout);
    const expected = likeliest();
    expect(classes!.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
    for (const [i, { probability }] of classes!.entries())
      expect(100 * probability).toBeCloseTo(expected[i]!.percent, 3);
    expect(images).toMatchObject([{ file: "picture.png", tokens: CLASSIFIER_TOKENS }]);
    expect(model.family).toBe("vit");
  });

  test("reads as many tokens as it is told to", async () => {
    const { stdout } = await runCommand("ask", [...classifier, ...picture, "--tokens", "20", "--json"]);
    const { classes, images }: PageResult = JSON.parse(stdout);
    expect(images[0]!.tokens).toBe(21);
    expect(100 * classes![0]!.probability).toBeCloseTo(likeliest(20)[0]!.percent, 3);
  });

  test("wants one picture and no prompt", async () => {
    expect(await failure(classifier)).toContain("--prompt is missing");
    expect(await failure([...classifier, ...picture, ...picture])).toContain("one --image, got 2");
    expect(await failure([...classifier, ...picture, "--prompt", "What is this?"])).toContain("leave out --prompt");
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
