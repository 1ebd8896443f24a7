/** `npm run eval` as a terminal sees it: a whole small evaluation of a tiny model, and what a second run does with its answers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chatFiles } from "../support/chat-files.ts";
import { runCommand } from "../support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "fovea-eval-"));
const model = join(folder, "model");
const out = join(folder, "out");
afterAll(() => rmSync(folder, { recursive: true }));

/** Exit code 1, nothing on standard output, and what standard error says. */
async function failure(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand("eval", args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  return stderr;
}

test("what cannot be meant is one line on standard error", async () => {
  expect(await failure(["--limit", "none"])).toBe('eval: --limit must be a positive integer, got "none"\n');
  expect(await failure(["--model", join(folder, "nothing")])).toMatch(/^eval: --model [^\n]+: no such folder[^\n]+\n$/);
  expect(await failure(["--model", folder, "--settings", "half"])).toMatch(
    /^eval: --settings: unknown "half"; [^\n]+\n$/,
  );
  expect(await failure(["--model", folder, "--out", out, "--report"])).toMatch(
    /^eval: --report: no stored answers of this model/,
  );
});

describe("a tiny model", () => {
  beforeAll(async () => {
    mkdirSync(model);
    for (const [name, content] of Object.entries(await chatFiles()))
      writeFileSync(join(model, name), content as Uint8Array);
  });

  const args = ["--model", model, "--settings", "full,pool-2", "--limit", "1", "--out", out];

  test("is asked, and reported on", async () => {
    const { code, stdout, stderr } = await runCommand("eval", args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("21 questions asked in") });
    expect(stdout).toMatch(/^full .* questions .* instructions\npool-2 /);
    expect(stdout).toContain(join(out, "report.md"));
    expect(readFileSync(join(out, "report.md"), "utf8")).toContain("# Evaluation of model");
    expect(readFileSync(join(out, "answers.jsonl"), "utf8").trim().split("\n").length).toBe(21);
  });

  test("is not asked again", async () => {
    const { code, stdout, stderr } = await runCommand("eval", args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^full /);
  });
});
