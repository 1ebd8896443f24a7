/**
 * Published checkpoints: each folder holds the small files of a repository, its tensors, and what the engine must make of
 * them. README.md says how a folder is read. The headers of the reference checkpoints are matched, too.
 */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DescriptionFiles } from "../../src/families/registry.ts";
import { rowsOfView } from "../../src/model/connector/row-count.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import type { AxisPlan, Canvas } from "../../src/spec/picture-spec.ts";
import type { RopeSpec } from "../../src/spec/rope-spec.ts";
import { plainTensor, type StoredTensor } from "../../src/weights/formats/stored-tensor.ts";
import { parseSafetensorsHeader } from "../../src/weights/safetensors.ts";
import { projectRoot } from "../support/command.ts";
import { describeModel } from "../support/describe-model.ts";
import { needing, sharedBytes, sharedJson, testShared } from "../support/shared.ts";
import { filesBelow, readSource } from "../support/sources.ts";
import { entriesOf, parametersOf, type TensorList, tensorsOf, unfilled } from "../support/tensor-list.ts";

/** What expected.json says of a folder. */
interface Expected {
  /** Fields of the spec; instead of the decoder's layers their number, and the one that all are. RoPE: see `ropeOf`. */
  spec: Record<string, unknown>;
  /** True if the decoder's head is its own tensor. */
  head?: "own" | "tied";
  /** Values in the file. */
  parameters: number;
  /** Tensors of the file that the engine leaves where they are. */
  unusedTensors: number;
  /** The plan of a picture of 1000 x 100 pixels. */
  plan?: { canvases: unknown[]; views: number; prompt: string };
}

const ROOT = "test/families";
const NAMES = ["config.json", "preprocessor_config.json", "processor_config.json"] as const;
const folders = filesBelow(ROOT)
  .filter((file) => basename(file) === "expected.json")
  .map(dirname);

function json<T>(file: string): T {
  return JSON.parse(readSource(file)) as T;
}

function filesOf(folder: string): DescriptionFiles {
  const there = NAMES.filter((name) => existsSync(join(projectRoot, folder, name)));
  return Object.fromEntries(there.map((name) => [name, json(`${folder}/${name}`)]));
}

/** A spec as plain values, equal layers told once: `layer` where all are equal, else `kinds` and the kind of each in `order`. */
function summaryOf({ decoder, ...spec }: ModelSpec): unknown {
  if (!decoder) return spec;
  const texts = decoder.layers.map((layer) => JSON.stringify(layer));
  const different = [...new Set(texts)];
  const kinds = different.map((text) => JSON.parse(text) as unknown);
  const order = texts.map((text) => different.indexOf(text)).join("");
  const layers = kinds.length === 1 ? { layer: kinds[0] } : { kinds, order };
  return { ...spec, decoder: { ...decoder, rope: ropeOf(decoder.rope), layers: decoder.layers.length, ...layers } };
}

/**
 * RoPE in three numbers, to 8 digits: the base that the first two frequencies follow, the last frequency, the factor. With
 * positions on several axes the digit of each pair's.
 */
function ropeOf({ frequencies, factor, beyond, axisOfPair, growth }: RopeSpec): unknown {
  const digits = (value: number) => Number(value.toPrecision(8));
  const theta = (frequencies[0]! / frequencies[1]!) ** frequencies.length;
  const axes = axisOfPair && { axes: axisOfPair.join("") };
  const numbers = {
    theta: digits(theta),
    slowest: digits(frequencies.at(-1)!),
    factor,
    ...axes,
    ...(growth && { growth }),
  };
  return beyond ? { ...numbers, plainUpTo: beyond.length } : numbers;
}

function canvasText({ x, y }: Canvas) {
  const both = (name: Exclude<keyof AxisPlan, "pictureStart">) => [x[name], y[name]];
  return { of: both("canvasSize"), resized: both("resizedSize"), from: both("cropStart"), size: both("size") };
}

/** The plan of a picture of 1000 x 100 pixels, as expected.json has it. */
function planOf({ pictures, encoder, connector }: ModelSpec): Expected["plan"] {
  if (!pictures || !encoder) return undefined;
  const plan = pictures.plan(1000, 100, {});
  const rows = plan.views.map(({ grid }) => rowsOfView({ encoder, connector }, grid));
  const arranged = pictures.order?.arrange(plan);
  const counts = arranged ? (arranged.lines ?? [arranged.weights.length / arranged.taps]) : rows;
  const runs = pictures.runs(plan, counts).map((run) => ("text" in run ? run.text : `[${run.rows}]`));
  return { canvases: plan.canvases.map(canvasText), views: plan.views.length, prompt: runs.join("") };
}

describe.each(folders)("%s", (folder) => {
  const expected = json<Expected>(`${folder}/expected.json`);
  const files = filesOf(folder);

  it("is described", () => {
    const spec = describeModel(files);
    expect(spec.family).toBe(folder.split("/")[2]);
    expect(summaryOf(spec)).toMatchObject(expected.spec);
    const parts = ["encoder", "decoder", "pictures", "classes", "imageTokenId"] as const;
    expect(parts.filter((part) => spec[part] !== undefined)).toEqual(parts.filter((part) => part in expected.spec));
    expect(planOf(spec)).toEqual(expected.plan);
  });

  const lists = filesBelow(folder).filter((file) => basename(file).startsWith("tensors"));
  it.each(lists)("%s fills every tensor", (file) => {
    const spec = describeModel(files);
    const entries = entriesOf(tensorsOf(json<TensorList>(file)));
    const matched = matchTensors(spec, entries);
    expect(unfilled(matched)).toEqual([]);
    expect(parametersOf(entries.values())).toBe(expected.parameters);
    expect(entries.size - matched.parts.length).toBe(expected.unusedTensors);
    const isTied = !matched.tensors.some(({ name }) => name === "decoder.head");
    expect(spec.decoder && (isTied ? "tied" : "own")).toBe(expected.head);
  });
});

async function sharedTensors(files: string[]): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const file of files) {
    const bytes = await sharedBytes(file);
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = parseSafetensorsHeader(bytes.subarray(8, 8 + headerBytes), file, bytes.byteLength);
    for (const [name, entry] of header.tensors) tensors.set(name, plainTensor(entry));
  }
  return tensors;
}

/** A folder, its weight files, how many tensors of them a model needs. */
type Reference = [folder: string, files: string[], count: number];

describe("reference checkpoints", () => {
  const shards = (count: number) => Array.from({ length: count }, (_, i) => `model-0000${i + 1}-of-0000${count}`);
  const siglip = (blocks: number) => 3 + blocks * 16 + 2;
  // Parts wanted, counted by hand: an encoder block has 16, a Llama layer 9, a Qwen2 layer 12.
  const goldens: Reference[] = [
    ["golden/clip-llama-f32", ["model"], 5 + 6 * 16 + 4 + 1 + 5 * 9 + 2],
    ["golden/two-images-f16", ["model"], 5 + 6 * 16 + 4 + 1 + 4 * 9 + 2],
    ["golden/siglip-qwen2-bf16-sharded", shards(3), 3 + 6 * 16 + 4 + 1 + 4 * 12 + 1],
    ["golden/families/idefics3-defaults-f16/model", ["model"], siglip(12) + 1 + 1 + 32 * 9 + 2],
    ["golden/families/idefics3-s2-tags-f16/model", ["model"], siglip(5) + 1 + 1 + 3 * 9 + 2],
    ["golden/families/smolvlm-s3-spelled-f32-sharded/model", shards(3), siglip(4) + 1 + 1 + 3 * 9 + 1],
    ["golden/families/smolvlm-s4-tags-bf16/model", ["model"], siglip(4) + 1 + 1 + 3 * 9 + 2],
    ["golden/families/nanollava-original-bf16/model", ["model"], 3 + 3 * 16 + 4 + 1 + 3 * 12 + 2],
    ["golden/families/shikra-original-f16-sharded/model", shards(2), 5 + 3 * 16 + 2 + 1 + 3 * 9 + 2],
    // An InternViT block has two factors besides.
    ["golden/families/internvl-qwen2-bf16/model", ["model"], 4 + 5 * 18 + 6 + 1 + 3 * 12 + 1],
    ["golden/families/internvl-qwen3-newnames-f32-sharded/model", shards(2), 4 + 4 * 18 + 6 + 1 + 3 * 11 + 2],
    // LFM2 layers: 8 with a convolution, 11 with attention.
    ["golden/families/lfm2_vl-tiles-layernorm-f32/model", ["model"], siglip(3) + 6 + 1 + 2 * (8 + 11) + 1],
    ["golden/families/lfm2_vl-single-bf16/model", shards(2), siglip(4) + 4 + 1 + 2 * (8 + 11) + 1],
    ["golden/families/llava_next-vicuna-bf16/model", ["model"], 5 + 2 * 16 + 4 + 1 + 1 + 2 * 9 + 2],
    ["golden/families/llava_next-mistral-f16/model", ["model"], 5 + 3 * 16 + 4 + 1 + 1 + 3 * 9 + 2],
    ["golden/families/llava_onevision-qwen2-tied-bf16/model", ["model"], 3 + 3 * 16 + 4 + 1 + 1 + 2 * 12 + 1],
  ];
  // Too large for test/golden.
  const large: Reference[] = [
    [
      "golden/families/llava_onevision-qwen2-newnames-f32-sharded/model",
      shards(2),
      3 + 2 * 16 + 4 + 1 + 1 + 3 * 12 + 2,
    ],
    ["golden/families/fuyu/model", ["model"], 2 + 1 + 3 * 16 + 2 + 1],
    ["real/stories260K", ["model"], 1 + 5 * 9 + 1],
    ["real/vit-tiny", ["model"], 4 + 12 * 16 + 2 + 2],
  ];
  it.each(goldens)("%s matches completely", expectComplete);
  testShared.each(large)(needing("golden/families", "%s matches completely"), expectComplete);

  async function expectComplete(folder: string, files: string[], count: number): Promise<void> {
    const isTiled = folder.startsWith("golden/families");
    const beside = isTiled ? NAMES : NAMES.slice(0, 1);
    // Original layouts have no file of a processor.
    const json = (name: string) => sharedJson(`${folder}/${name}`).catch(() => undefined);
    const described = await Promise.all(beside.map(async (name) => [name, await json(name)]));
    const spec = describeModel(Object.fromEntries(described) as DescriptionFiles);
    const matched = matchTensors(spec, await sharedTensors(files.map((file) => `${folder}/${file}.safetensors`)));
    expect(matched.parts).toHaveLength(count);
    expect(unfilled(matched)).toEqual([]);
  }

  testShared(needing("real/vit-tiny", "reads the classes of vit-tiny"), async () => {
    const { classes } = describeModel({ "config.json": await sharedJson("real/vit-tiny/config.json") });
    expect(classes).toHaveLength(1000);
    expect(classes?.[999]).not.toMatch(/^class /);
  });
});
