/** Every folder of golden/formats: from its packed files to logits and greedy tokens, kept as they are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelFiles } from "../../../src/api.ts";
import { Fovea } from "../../../src/engine/fovea.ts";
import { planModel } from "../../../src/engine/plan-model.ts";
import { expectNmse } from "../../support/compare.ts";
import { hasJpeg, requestOf } from "../../support/golden-family.ts";
import { filesOf, type GoldenFormat, loadFormat } from "../../support/golden-format.ts";
import { useDevice } from "../../support/gpu.ts";
import { needing } from "../../support/shared.ts";
import { NMSE_JPEG, NMSE_PACKED_MODEL } from "../../support/tolerances.ts";

/** Names of the folders; see vite.config.ts. */
const FOLDERS: string[] = JSON.parse(import.meta.env.VITE_FORMAT_FOLDERS);

if (FOLDERS.length === 0) test.skip(needing("golden/formats", "packed checkpoints"), () => {});

const { device } = useDevice();

describe.for(FOLDERS)("%s", (folder) => {
  let golden: GoldenFormat;
  let files: ModelFiles;
  let fovea: Fovea;
  beforeAll(async () => {
    golden = await loadFormat(folder);
    files = await filesOf(folder, golden);
    fovea = await Fovea.load(files, { device: device(), precision: "f32" });
  });
  afterAll(() => {
    fovea?.dispose();
    expect(fovea?.memory.gpuBytes).toBe(0);
  });

  test("the memory that was planned, and the name of what is stored", async () => {
    const { gpu, weights } = await planModel(files, { device: device() });
    expect(fovea.info.weightBytes).toBe(gpu.weightBytes);
    expect(fovea.memory.gpuBytes).toBe(gpu.totalBytes);
    expect(fovea.info.weights).toBe(weights);
    // Plain files are kept as any checkpoint.
    const isPlain = ["gguf-llama-f16", "gguf-qwen2-bf16"].includes(folder);
    expect(weights).toMatch(isPlain ? /^f32$/ : /^(q\d_\w+|iq4_\w+|([\w-]+ )?int\d .+)/);
    const [first] = weights.split(", ");
    if (/^gguf-\w+-(q4_[01]|q5_[01k]|q8_0|iq4_\w+)$/.test(folder)) expect(folder.endsWith(first!)).toBe(true);
  });

  test("every prompt", async () => {
    expect(golden.prompts.length).toBeGreaterThan(0);
    for (const prompt of golden.prompts) {
      const { prompt: written, greedy, logits, greedyLogits } = await fovea.inspect(await requestOf(prompt));
      const limit = hasJpeg(prompt) ? NMSE_JPEG : NMSE_PACKED_MODEL;
      expect([...written.ids], prompt.name).toEqual([...Uint32Array.from(prompt.ids)]);
      expectNmse(prompt.name, logits.data, golden.expected.get(`${prompt.name}.logits`)!.data, limit);
      expect(greedy, prompt.name).toEqual(prompt.greedy);
      expectNmse(prompt.name, greedyLogits.data, golden.expected.get(`${prompt.name}.greedy_logits`)!.data, limit);
    }
  });
});
