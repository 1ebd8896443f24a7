/** Help of the commands, in a clone without packages: it answers without installing, compiling or building. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHECKPOINTS } from "../../bench/checkpoint/options.mjs";
import { projectRoot, runCommand } from "../support/command.ts";
import { CHECKPOINT_NAMES } from "../support/synthetic/checkpoint.ts";

const clone = mkdtempSync(join(tmpdir(), "fovea-clone-"));
beforeAll(() => {
  const skipped = /[\\/](node_modules|results|report|set|by-hand)$/;
  for (const path of ["package.json", "package-lock.json", "weights-manifest.json", "tools", "bench", "eval"])
    cpSync(join(projectRoot, path), join(clone, path), { recursive: true, filter: (from) => !skipped.test(from) });
});
afterAll(() => rmSync(clone, { recursive: true }));

test.for([
  [["start", "--help"], "npm start"],
  [["build", "--help"], "npm run build"],
  [["test", "--help"], "only by name"],
  [["test", "-h"], "only by name"],
  [["real", "--help"], "--steps N"],
  [["ask", "--help"], "--max-tokens N"],
  [["pack", "--help"], "--compact"],
  [["eval", "--help"], "--settings A,B"],
  [["eval", "--limit", "1", "-h"], "--settings A,B"],
  [["bench", "--help"], "--only PART"],
  [["bench", "--checkpoint", "--help"], "--checkpoint NAME"],
] as const)("%j", async ([[name, ...args], expected]) => {
  const { code, stdout, stderr } = await runCommand(name, args, {}, clone);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(expected);
  expect(existsSync(join(clone, "node_modules"))).toBe(false);
});

test("the help of checkpoints names all of them", () => {
  expect([...CHECKPOINTS].sort()).toEqual([...CHECKPOINT_NAMES].sort());
});
