/**
 * The golden checkpoints and the settings that their expected values were made with. test/golden has all of their weights
 * and a part of the expected values, `../shared/golden` has everything. Not a loader of the product: it trusts the files.
 */
import type { Compression, Inhibition, LlavaConfig } from "../reference/model/settings.ts";
import { readCheckpoint, readSafetensors, type Tensor, type Weights } from "../reference/model/weights.ts";
import { sharedBytes, sharedJson } from "./shared.ts";

export const GOLDEN_NAMES = ["clip-llama-f32", "siglip-qwen2-bf16-sharded", "two-images-f16"] as const;
export type GoldenName = (typeof GOLDEN_NAMES)[number];

export interface Golden {
  config: LlavaConfig;
  /** Canonical names. */
  weights: Weights;
  /** expected.safetensors, as it is. */
  expected: Weights;
  /** `X.imageI.stageS.block` -> block, from expected.json. */
  blocks: Record<string, number>;
  /** Planar [3, S, S] each. */
  pixelValues: Float64Array[];
  inputIds: number[];
}

/** The files that hold a checkpoint's weights, index or not, in the order of the index. */
async function goldenWeightFiles(name: GoldenName): Promise<string[]> {
  if (name !== "siglip-qwen2-bf16-sharded") return [`golden/${name}/model.safetensors`];
  const index = await sharedJson<{ weight_map: Record<string, string> }>(`golden/${name}/model.safetensors.index.json`);
  return [...new Set(Object.values(index.weight_map))].map((file) => `golden/${name}/${file}`);
}

/** Loads a golden checkpoint: weights, config and expected tensors. */
export async function loadGolden(name: GoldenName): Promise<Golden> {
  const files = await Promise.all((await goldenWeightFiles(name)).map(sharedBytes));
  const config = await sharedJson<LlavaConfig>(`golden/${name}/config.json`);
  const expected = readSafetensors(await sharedBytes(`golden/${name}/expected.safetensors`));
  const { blocks } = await sharedJson<{ blocks: Record<string, number> }>(`golden/${name}/expected.json`);
  const pixels = expected.get("pixel_values")!;
  const perImage = pixels.data.length / pixels.shape[0]!;
  return {
    config,
    weights: readCheckpoint(files),
    expected,
    blocks,
    pixelValues: Array.from({ length: pixels.shape[0]! }, (_, i) =>
      pixels.data.slice(i * perImage, (i + 1) * perImage),
    ),
    inputIds: [...expected.get("input_ids")!.data],
  };
}

/** The pixels of its pictures, as an inspection takes them. */
export function goldenPixels({ config, pixelValues }: Golden): { data: Float32Array; shape: [3, number, number] }[] {
  const side = config.vision_config.image_size;
  return pixelValues.map((values) => ({ data: Float32Array.from(values), shape: [3, side, side] }));
}

export interface GoldenSetting {
  compression: Compression;
  inhibition?: Inhibition;
}

const vmtc50 = { method: "vmtc", ratio: 0.5 } as const satisfies Compression;
const vmtc50original: Compression = { ...vmtc50, positions: "original" };
const cmai60: Inhibition = { maxRatio: 0.6 };

/** The setting of each prefix of expected.safetensors. `patches` is N of the checkpoint's grid. */
export function goldenSettings(patches: number): Record<string, GoldenSetting> {
  return {
    base: { compression: { method: "none" } },
    vmtc50: { compression: vmtc50 },
    vmtc25: { compression: { method: "vmtc", ratio: 0.25 } },
    vmtc50raw: { compression: { ...vmtc50, merge: "raw" } },
    lwp50: { compression: { ...vmtc50, clusters: 0 } },
    lwpmg50: { compression: { ...vmtc50, clusters: 1 } },
    llp50: { compression: { method: "prune-last", tokens: Math.floor(patches / 2) } },
    pool2: { compression: { method: "pool", factor: 2 } },
    pool3: { compression: { method: "pool", factor: 3 } },
    prumerge: { compression: { method: "prumerge" } },
    prumerge13: { compression: { method: "prumerge", tokens: 13 } },
    vmtc50original: { compression: vmtc50original },
    cmai60: { compression: { method: "none" }, inhibition: cmai60 },
    vmtc50cmai60: { compression: vmtc50, inhibition: cmai60 },
    vmtc50cmai60original: { compression: vmtc50original, inhibition: cmai60 },
    "cmai60.tia": { compression: vmtc50, inhibition: { ...cmai60, score: "text-to-image" } },
    "cmai60.sum": { compression: vmtc50, inhibition: { ...cmai60, score: "sum" } },
    "cmai60.discounted-sum": { compression: vmtc50, inhibition: { ...cmai60, score: "discounted-sum" } },
    "cmai60.scope-image": { compression: vmtc50, inhibition: { ...cmai60, scope: "image" } },
    "cmai60.constant": { compression: vmtc50, inhibition: { ...cmai60, schedule: "constant" } },
    "cmai60.literal-scores": { compression: vmtc50, inhibition: { ...cmai60, scores: "logits" } },
  };
}

/** The entries of expected.safetensors that belong to a setting and not to a longer-named one ("cmai60.sum" and "cmai60"). */
export function goldenEntries(expected: Weights, setting: string): string[] {
  const names = Object.keys(goldenSettings(0)).filter((name) => name.startsWith(`${setting}.`));
  return [...expected.keys()].filter(
    (key) => key.startsWith(`${setting}.`) && !names.some((longer) => key.startsWith(`${longer}.`)),
  );
}

/**
 * The projected tokens of a picture. Settings with the same compression share them, and test/golden has them once; the
 * positions of tokens make no difference to them.
 */
export function goldenProjection(expected: Weights, setting: string, image: number): Tensor {
  const settings = goldenSettings(0);
  const compressionOf = (name: string) => JSON.stringify({ ...settings[name]!.compression, positions: undefined });
  const same = Object.keys(settings).filter((name) => compressionOf(name) === compressionOf(setting));
  for (const name of [setting, ...same]) {
    const found = expected.get(`${name}.projected${image}`);
    if (found) return found;
  }
  throw new Error(`no projection of image ${image} for ${setting}`);
}
