/**
 * A language file and a vision file, as llama.cpp's converter makes them of a golden checkpoint, come to the same model: the
 * same description, and the same values in the same places. Golden logits of the checkpoint are then theirs, too.
 */
import { describe, expect, test } from "vitest";
import { readModel } from "../../../../src/engine/read-model.ts";
import { matchTensors } from "../../../../src/model/load/match.ts";
import { elementCount } from "../../../../src/shared/shape.ts";
import type { DecoderSpec, DeltaSpec, ModelSpec } from "../../../../src/spec/model-spec.ts";
import type { Checkpoint } from "../../../../src/weights/checkpoint.ts";
import { openFolder } from "../../../../src/weights/folder.ts";
import { readRows } from "../../../../src/weights/formats/read-rows.ts";
import { openModel } from "../../../../src/weights/formats/registry.ts";
import { expectSpec } from "../../../support/expect-spec.ts";
import { GGUF_BESIDE, GGUF_FOLDERS, ggufModel, LANGUAGE_FILE, withoutUnsaid } from "../../../support/gguf-model.ts";
import { goldenFiles } from "../../../support/golden-family.ts";

interface Model {
  spec: ModelSpec;
  checkpoint: Checkpoint;
  notes: readonly string[];
}

async function open(files: Parameters<typeof openFolder>[0]): Promise<Model> {
  const model = await openModel(openFolder(files), {});
  const { spec, files: descriptions } = await readModel(model.folder, {});
  const checkpoint = await model.checkpoint(descriptions["config.json"] as Record<string, unknown>, {});
  return { spec, checkpoint, notes: model.notes };
}

/** Canonical name -> values, as loading fills them. */
async function valuesOf({ spec, checkpoint }: Model): Promise<Map<string, Float32Array>> {
  const { tensors, parts } = matchTensors(spec, checkpoint.tensors, { nameInFile: checkpoint.nameInFile });
  const values = new Map(tensors.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]));
  for (const { tensor, entry, to, add = 0, transposes } of parts) {
    const own: number[] = [];
    for await (const rows of readRows(checkpoint, entry, {})) own.push(...rows);
    const target = values.get(tensor.name)!;
    const start = to * elementCount(tensor.shape.slice(1));
    const [height, width] = transposes ?? [own.length, 1];
    for (const [i, value] of own.entries()) {
      const [matrix, row, column] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      target[start + matrix * height * width + column * height + row] = value + add;
    }
  }
  return values;
}

const SIZES = [
  [640, 427],
  [90, 300],
  [31, 29],
] as const;

describe.for(GGUF_FOLDERS)("%s", (folder) => {
  test("comes to the same model", async () => {
    const files = await goldenFiles(folder, withoutUnsaid(folder));
    const golden = withConvolution(await open(files));
    const model = await open(await ggufModel(folder, { beside: GGUF_BESIDE[folder] ?? [] }));
    expect(model.notes).toEqual([]);
    const { tensors: _, ignores: __, pictures, decoder, family, ...rest } = model.spec;
    const { tensors: ___, ignores: ____, pictures: own, decoder: text, family: name, ...others } = golden.spec;
    expect(family).toBe(name);
    expectSpec(rest, others, "spec");
    expectSpec({ ...withGroups(decoder!), bosId: 0, eosIds: [] }, { ...text, bosId: 0, eosIds: [] });
    expectSpec(pictures, own, "pictures");
    for (const [width, height] of SIZES) {
      const plan = pictures!.plan(width, height, {});
      expectSpec(plan, own!.plan(width, height, {}), "plan");
      const rows = plan.views.map(({ grid }) => grid.rows * grid.cols);
      expect(pictures!.runs(plan, rows)).toEqual(own!.runs(plan, rows));
    }
    const [values, expected] = [await valuesOf(model), await valuesOf(golden)];
    if (isLinear(golden)) expected.set(PATCH, channelsFirst(expected.get(PATCH)!, golden.spec));
    for (const [name, numbers] of expected) {
      const layer = decoder!.layers[Number(/^decoder\.layers\.(\d+)\./.exec(name)?.[1])];
      if (layer?.kind === "delta" && layer.delta.tiled) expected.set(name, tiled(name, numbers, layer.delta));
    }
    expect([...values.keys()].sort()).toEqual([...expected.keys()].sort());
    // A norm that is stored with 1 added is rounded to f32 with it, and a rate as -exp.
    for (const [tensor, numbers] of expected)
      expect(largestDifference(values.get(tensor)!, numbers), tensor).toBeLessThan(
        /norm|rate$/i.test(tensor) ? 2e-7 : 1e-30,
      );
  });
});

test("a language file alone, whose last block guesses further tokens", async () => {
  const language = { "qwen35.block_count": 5, "qwen35.nextn_predict_layers": 1 };
  const { [LANGUAGE_FILE]: file } = await ggufModel("qwen3_5-bf16", { language });
  const { spec, notes } = await open({ [LANGUAGE_FILE]: file! });
  expect(notes).toEqual([]);
  expect([spec.family, spec.pictures]).toEqual(["qwen3_5_text", undefined]);
  const kinds = ["delta", "delta", "delta", "attention"];
  expect(spec.decoder!.layers.map(({ kind }) => kind)).toEqual(kinds);
  const none = await ggufModel("qwen3_5-bf16", { language: { "qwen35.nextn_predict_layers": 4 } });
  await expect(open({ [LANGUAGE_FILE]: none[LANGUAGE_FILE]! })).rejects.toThrow(/nextn_predict_layers leaves 0 layers/);
});

/** Without the mark that value heads lie in tiles. */
function withGroups(decoder: DecoderSpec): DecoderSpec {
  const layers = decoder.layers.map((layer) => {
    if (layer.kind !== "delta") return layer;
    const { tiled: _, ...delta } = layer.delta;
    return { ...layer, delta };
  });
  return { ...decoder, layers };
}

/** A tensor of a recurrent layer whose value heads lie in groups of a key head, with the heads in tiles of all key heads. */
function tiled(tensor: string, values: Float32Array, { keyHeads, valueHeads, keyWidth, valueWidth }: DeltaSpec) {
  const part =
    /^decoder\.layers\.\d+\.(?:\w+\.)?(in\.weight|gates\.weight|conv\.weight|rate|rateBias|out\.weight)$/.exec(
      tensor,
    )?.[1];
  if (part === undefined) return values;
  const share = valueHeads / keyHeads;
  const grouped = (head: number) => (head % keyHeads) * share + Math.floor(head / keyHeads);
  const width = /^(rate|gates)/.test(part) ? 1 : valueWidth;
  const period = valueHeads * width;
  // Rows before the values, or the elements of a row whose columns are values.
  const first = /^(in|conv)/.test(part) ? 2 * keyHeads * keyWidth : 0;
  const rows = part === "in.weight" ? first + 2 * period : part === "gates.weight" ? 2 * period : first + period;
  const inner = part === "out.weight" ? 1 : values.length / rows;
  return values.map((_, i) => {
    const row = Math.floor(i / inner);
    if (row < first) return values[i]!;
    const place = (row - first) % period;
    const from = row - place + grouped(Math.floor(place / width)) * width + (place % width);
    return values[from * inner + (i % inner)]!;
  });
}

const PATCH = "encoder.patch.weight";

/** True if the family has its patches' layer with the channels last; files of llama.cpp have a convolution. */
function isLinear({ spec }: Model): boolean {
  return spec.tensors.some(({ name, parts: [part] }) => name === PATCH && part!.shape.length === 2);
}

function withConvolution(model: Model): Model {
  const { encoder } = model.spec;
  const { channelsLast: _, ...patch } = encoder!.patch;
  return { ...model, spec: { ...model.spec, encoder: { ...encoder!, patch } } };
}

function channelsFirst(values: Float32Array, { encoder }: ModelSpec): Float32Array {
  const pixels = encoder!.patch.side ** 2;
  return values.map((_, i) => {
    const [row, within] = [Math.floor(i / (3 * pixels)), i % (3 * pixels)];
    return values[row * 3 * pixels + (within % pixels) * 3 + Math.floor(within / pixels)]!;
  });
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
