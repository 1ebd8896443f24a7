/** `npm run ask` on a model with several quantisations: on a hub, in a folder, in a terminal. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListedVariant } from "../../tools/variants.mjs";
import { projectRoot, runCommand } from "../support/command.ts";
import { ggufModel, LANGUAGE_FILE } from "../support/gguf-model.ts";
import { type HubServer, startHub } from "../support/hub-server.ts";
import { writeFolder } from "../support/model-folder.ts";

let hub: HubServer;
let bytes: Uint8Array<ArrayBuffer>;
let files: Record<string, Uint8Array<ArrayBuffer>>;
let env: Record<string, string>;
beforeAll(async () => {
  bytes = (await ggufModel("internvl-qwen2-bf16"))[LANGUAGE_FILE] as Uint8Array<ArrayBuffer>;
  // The names decide, whatever the files hold.
  files = { "tiny-Q4_K_M.gguf": bytes, "tiny-Q8_0.gguf": bytes, "tiny-Q2_K.gguf": bytes };
  hub = await startHub(files);
  env = { HF_ENDPOINT: hub.url };
});
afterAll(() => hub.close());

const model = ["--model", "someone/tiny"];
const question = ["--prompt", "Hello", "--max-tokens", "2"];

describe("on a hub", () => {
  test("--variant list prints them with their sizes, the best first", async () => {
    const { code, stdout, stderr } = await runCommand("ask", [...model, "--variant", "list"], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const size = `${(bytes.length / 1e6).toFixed(1)} MB`;
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["1", "Q4_K_M", size, "tiny-Q4_K_M.gguf", "read unless another is named"].map(String),
      ["2", "Q8_0", size, "tiny-Q8_0.gguf"],
      ["3", "Q2_K", size, "tiny-Q2_K.gguf"],
    ]);
  });

  test("without a terminal the best one is read, and standard error says so", async () => {
    const { code, stdout, stderr } = await runCommand("ask", [...model, ...question], env);
    expect(code).toBe(0);
    expect(stdout.trim()).not.toBe("");
    expect(stderr).toMatch(/^note: .*has 3 quantisations; Q4_K_M \(tiny-Q4_K_M\.gguf\) was chosen/);
    const read = hub.requests.map(({ path }) => path).filter((path) => path.includes("resolve"));
    expect(read.some((path) => path.endsWith("tiny-Q8_0.gguf"))).toBe(false);
  });

  test.skipIf(spawnSync("script", ["--version"]).status !== 0)("a terminal asks for one", async () => {
    const from = hub.requests.length;
    const command = `node tools/run.mjs ask ${[...model, ...question].join(" ")}`;
    const terminal = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: projectRoot,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let said = "";
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      const asks = !said.includes("[1]: ") && `${said}${text}`.includes("[1]: ");
      said += text;
      if (asks) terminal.stdin.write("q8_0\n");
    });
    const code = await new Promise((resolve) => terminal.on("close", resolve));
    expect(code, said).toBe(0);
    expect(said).toContain("This model has 3 quantisations:");
    const read = hub.requests.slice(from).filter(({ path }) => path.includes("resolve"));
    const last = read.at(-1)!.path;
    expect(last).toMatch(/tiny-Q8_0\.gguf$/);
  });
});

test("in a folder", async () => {
  const folder = writeFolder(files);
  try {
    const listed = await runCommand("ask", ["--model", folder.folder, "--variant", "list", "--json"]);
    expect(listed.stderr).toBe("");
    const variants = JSON.parse(listed.stdout) as ListedVariant[];
    expect(variants.map(({ name, bytes, chosen }) => [name, bytes, chosen])).toEqual([
      ["Q4_K_M", bytes.length, true],
      ["Q8_0", bytes.length, false],
      ["Q2_K", bytes.length, false],
    ]);
    const asked = await runCommand("ask", ["--model", folder.folder, ...question]);
    expect(asked.code).toBe(0);
    expect(asked.stderr).toContain("has 3 quantisations; Q4_K_M (tiny-Q4_K_M.gguf) was chosen");
    const mistyped = await runCommand("ask", ["--model", folder.folder, "--variant", "Q9", ...question]);
    expect(mistyped.code).toBe(1);
    expect(mistyped.stderr).toMatch(
      /^ask: --variant Q9: \S+ has no such GGUF file; it has \w+ \(\S+\.gguf\), .*Q8_0 \(/,
    );
    const named = await runCommand("ask", ["--model", folder.folder, "--variant", "Q8_0", ...question]);
    expect(named).toMatchObject({ code: 0, stderr: "", stdout: asked.stdout });
    const one = await runCommand("ask", ["--model", join(folder.folder, "tiny-Q2_K.gguf"), ...question]);
    expect(one).toMatchObject({ code: 0, stderr: "" });
  } finally {
    folder.remove();
  }
});
