/** `npm run eval -- --benchmark` as a terminal sees it: the demo model on made-up data in each benchmark's layout. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LAYOUTS, type Pictures, write } from "../support/benchmark-data.ts";
import { useChatServer } from "../support/chat-server.ts";
import { projectRoot, runCommand } from "../support/command.ts";
import { deltaEvent } from "../support/server-events.ts";

const root = mkdtempSync(join(tmpdir(), "fovea-benchmark-"));
afterAll(() => rmSync(root, { recursive: true }));
/** Of the set that ships: a whale and a frog first. */
const pictures = ["0000.png", "0001.png", "0002.png"].map((name) =>
  readFileSync(join(projectRoot, "eval/set", name)),
) as unknown as Pictures;

test("what cannot be meant is one line on standard error", async () => {
  const { code, stdout, stderr } = await runCommand("eval", ["--benchmark", "gqa", "--data", join(root, "nothing")]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^eval: --data \S+nothing: no such file or folder; pass the benchmark's folder\n$/);
});
