/** The references of compression on cells and views against golden checkpoints whose connector folds r x r patches. */
import { describe, expect, test } from "vitest";
import { expectNmse } from "../support/compare.ts";
import { sharedBytes, sharedJson } from "../support/shared.ts";
import { NMSE_STORED_AS_F32 } from "../support/tolerances.ts";
import { cellOrder } from "./cells.ts";
import { diverse } from "./diverse.ts";
import { gatherCells } from "./gather-cells.ts";
import { matmul } from "./matmul.ts";
import type { Compression, VisionConfig } from "./model/settings.ts";
import { encodeImage } from "./model/vision.ts";
import { readCheckpoint, readSafetensors, tensorData, type Weights } from "./model/weights.ts";
import { dealOut } from "./schedule.ts";

const NAMES = [
  "smolvlm-s4-tags-bf16",
  "smolvlm-s3-spelled-f32-sharded",
  "idefics3-s2-tags-f16",
  "idefics3-defaults-f16",
] as const;

/** Fields that these config files leave out. */
const VISION_DEFAULTS = {
  num_hidden_layers: 12,
  num_attention_heads: 16,
  hidden_act: "gelu_pytorch_tanh",
  layer_norm_eps: 1e-6,
};

interface Setting {
  name: string;
  vmtc?: { ratio: number; stages: number };
  /** By prompt. `tokens` is the count of each picture. */
  prompts: Record<string, { cells: [before: number, after: number][]; tokens?: number[] }>;
}

interface Case {
  vision: VisionConfig;
  /** r */
  cell: number;
  weights: Weights;
  expected: Weights;
  settings: Setting[];
}

async function loadCase(name: string): Promise<Case> {
  const root = `golden/families/${name}`;
  const config = await sharedJson<{ vision_config: VisionConfig; scale_factor?: number }>(`${root}/model/config.json`);
  const { settings } = await sharedJson<{ settings: Setting[] }>(`${root}/case.json`);
  const files = name.endsWith("-sharded")
    ? Object.values(
        (await sharedJson<{ weight_map: Record<string, string> }>(`${root}/model/model.safetensors.index.json`))
          .weight_map,
      )
    : ["model.safetensors"];
  return {
    vision: { ...VISION_DEFAULTS, ...config.vision_config },
    cell: config.scale_factor ?? 2,
    weights: readCheckpoint(await Promise.all([...new Set(files)].map((file) => sharedBytes(`${root}/model/${file}`)))),
    expected: readSafetensors(await sharedBytes(`${root}/expected.safetensors`)),
    settings,
  };
}

/** View `index` of a prompt's pictures through the encoder. */
function encodeView(
  { vision, cell, weights, expected }: Case,
  prompt: string,
  index: number,
  compression: Compression,
) {
  const { data, shape } = expected.get(`${prompt}.pixels`)!;
  const length = data.length / shape[0]!;
  const pixels = data.subarray(index * length, (index + 1) * length);
  const options = { featureLayer: -1, keepClassToken: false, compression, cell, postNorm: true };
  return encodeImage(pixels, vision, weights, options);
}

/** The values of view `index` in a tensor of all views. */
function ofView(tensor: { data: Float64Array; shape: number[] }, index: number): Float64Array {
  const length = tensor.data.length / tensor.shape[0]!;
  return tensor.data.subarray(index * length, (index + 1) * length);
}

/** The files name the share of clusters, which is the standard. */
const standard = ({ ratio, stages }: NonNullable<Setting["vmtc"]>) => ({ ratio, stages });

function checkVmtc(input: Case, { name, vmtc, prompts }: Setting): void {
  for (const [prompt, { cells }] of Object.entries(prompts))
    for (const [index, [before, after]] of cells.entries()) {
      const key = `${prompt}.${name}.view${index}`;
      const expected = (field: string) => input.expected.get(`${key}.${field}`)!.data;
      const result = encodeView(input, prompt, index, { method: "vmtc", ...standard(vmtc!) });
      expect(result.origins.length, key).toBe(after);
      expectNmse(key, result.features, expected("features"), NMSE_STORED_AS_F32);
      expect(
        result.origins.map(({ owner }) => owner),
        key,
      ).toEqual([...expected("owner")]);
      // A stage that would not shrink is counted and has no tensors.
      const numbers = [1, 2, 3].filter((stage) => input.expected.has(`${key}.stage${stage}.ips`));
      expect(result.stages.length, key).toBe(numbers.length);
      expect(result.stages[0]!.importance.length).toBe(before);
      for (const [i, stage] of result.stages.entries()) {
        const fieldOf = (field: string) => expected(`stage${numbers[i]}.${field}`);
        expectNmse(`${key} importance`, stage.importance, fieldOf("ips"), NMSE_STORED_AS_F32);
        expect([...stage.primary], key).toEqual([...fieldOf("primary")]);
        expect([...stage.redundant], key).toEqual([...fieldOf("redundant")]);
        expect([...stage.labels], key).toEqual([...fieldOf("labels")]);
      }
    }
}

function checkDiverse(input: Case, { name, prompts }: Setting): void {
  for (const [prompt, { cells, tokens }] of Object.entries(prompts)) {
    // One picture a prompt, whose count is distributed over its views.
    const counts = dealOut(
      tokens![0]!,
      cells.map(([before]) => before),
      1,
    );
    expect(counts).toEqual(cells.map(([, after]) => after));
    for (const [index, count] of counts.entries()) {
      const { features } = encodeView(input, prompt, index, { method: "none" });
      const weight = tensorData(input.weights, "connector.modality_projection.proj.weight");
      const folded = input.cell ** 2 * input.vision.hidden_size;
      const projected = matmul(features, weight, folded);
      const width = weight.length / folded;
      const { kept } = diverse(projected, width, count);
      const key = `${prompt}.${name}.view${index}`;
      expect(kept, key).toEqual([...input.expected.get(`${key}.kept`)!.data]);
    }
  }
}

async function describeCase(name: string): Promise<void> {
  const input = await loadCase(name);
  describe(name, () => {
    test("without compression: cells in raster order", () => {
      const prompts = [...input.expected.keys()].filter((key) => key.endsWith(".pixels"));
      const grid = Math.floor(input.vision.image_size / input.vision.patch_size);
      const order = cellOrder(grid, grid, input.cell);
      for (const prompt of prompts.map((key) => key.slice(0, -".pixels".length))) {
        const { features } = encodeView(input, prompt, 0, { method: "none" });
        const raster = ofView(input.expected.get(`${prompt}.features`)!, 0);
        const expected = gatherCells(raster, order, input.vision.hidden_size);
        expectNmse(prompt, features, expected, NMSE_STORED_AS_F32);
      }
    });

    const settings = input.settings.filter(({ name: setting, vmtc }) => vmtc || setting === "diverse");
    // Inhibition changes nothing in the encoder: those settings have the tensors of another one.
    const own = settings.filter(({ name: setting }) =>
      [...input.expected.keys()].some((key) => key.split(".")[1] === setting && key.includes(".view")),
    );
    test.for(own.map((setting) => [setting.name, setting] as const))("%s", ([, setting]) => {
      if (setting.vmtc) checkVmtc(input, setting);
      else checkDiverse(input, setting);
    });
  });
}

describe("golden checkpoints with cells", async () => {
  for (const name of NAMES) await describeCase(name);
});
