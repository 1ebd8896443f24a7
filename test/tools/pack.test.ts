/** `npm run pack` as a command: what it loads late, such as a family's code, must still load. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const golden = join(root, "test/golden/siglip-qwen2-bf16-sharded");
const folder = mkdtempSync(join(tmpdir(), "fovea-pack-"));
afterAll(() => rmSync(folder, { recursive: true }));

function pack(weights: string): { config: Record<string, unknown>; names: string } {
  const out = join(folder, weights);
  const args = ["tools/run.mjs", "pack", "--model", golden, "--weights", weights, "--out", out];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  expect(stdout).toContain(out);
  const header = readFileSync(join(out, "model.safetensors")).subarray(8);
  return {
    config: JSON.parse(readFileSync(join(out, "config.json"), "utf8")),
    names: header.subarray(0, header.indexOf("}}") + 2).toString("utf8"),
  };
}

test("q4: a copy with packed layers", { timeout: 60_000 }, () => {
  const { config, names } = pack("q4");
  expect(config).toMatchObject({ quantization_config: { quant_method: "compressed-tensors" } });
  expect(names).toContain("weight_packed");
});

test("f16: a copy in which nothing is packed", { timeout: 60_000 }, () => {
  const { config, names } = pack("f16");
  expect(config).not.toHaveProperty("quantization_config");
  expect(names).not.toContain("weight_packed");
  expect(names).toContain("q_proj.weight");
});
