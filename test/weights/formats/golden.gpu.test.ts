/** Every folder of golden/formats: from its packed files to logits and greedy tokens, kept as they are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../../src/engine/fovea.ts";
import { requestDevice } from "../../../src/gpu/device.ts";
import { expectNmse } from "../../support/compare.ts";
import { hasJpeg, requestOf } from "../../support/golden-family.ts";
import { filesOf, type GoldenFormat, loadFormat } from "../../support/golden-format.ts";
import { needing } from "../../support/shared.ts";
import { NMSE_JPEG, NMSE_PACKED_MODEL } from "../../support/tolerances.ts";

/** Names of the folders; see vite.config.ts. */
const FOLDERS: string[] = JSON.parse(import.meta.env.VITE_FORMAT_FOLDERS);

if (FOLDERS.length === 0) test.skip(needing("golden/formats", "packed checkpoints"), () => {});

// One device for all, so that each pipeline is compiled once.
let device: GPUDevice;
beforeAll(async () => {
  device = await requestDevice();
});
afterAll(() => device.destroy());

describe.for(FOLDERS)("%s", (folder) => {
  let golden: GoldenFormat;
  let fovea: Fovea;
  beforeAll(async () => {
    golden = await loadFormat(folder);
    fovea = await Fovea.load(await filesOf(folder, golden), { device, precision: "f32" });
  });
  afterAll(() => {
    fovea?.dispose();
    expect(fovea?.memory.gpuBytes).toBe(0);
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
