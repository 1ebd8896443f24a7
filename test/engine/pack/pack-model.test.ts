import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type PackModelOptions, packModel } from "../../../src/engine/pack/pack-model.ts";
import { planPack } from "../../../src/engine/pack/plan-pack.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { openCheckpoint } from "../../../src/weights/checkpoint.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { isPackedEncoding } from "../../../src/weights/formats/encoding.ts";
import { roundGroups } from "../../../src/weights/formats/packed/round-groups.ts";
import { readRows } from "../../../src/weights/formats/read-rows.ts";
import type { StoredTensor } from "../../../src/weights/formats/stored-tensor.ts";
import { readSafetensorsHeader } from "../../../src/weights/safetensors.ts";
import { projectRoot } from "../../support/command.ts";
import { describeModel } from "../../support/describe-model.ts";
import { memoryFolder } from "../../support/memory-folder.ts";
import { classifierFiles } from "../../support/random-models.ts";

const DEMO = Object.fromEntries(
  [
    ...["config.json", "preprocessor_config.json", "generation_config.json", "fovea.json", "model.safetensors"],
    ...["tokenizer.json", "tokenizer_config.json"],
  ].map((name) => [name, new Uint8Array(readFileSync(`${projectRoot}/public/fovea-demo/${name}`))]),
);

async function pack(options: Partial<PackModelOptions> = {}, source: Record<string, Uint8Array> = DEMO) {
  const { sink, files } = memoryFolder();
  const summary = await packModel(openFolder(source as never), sink, { source: "demo", weights: "q4", ...options });
  return { summary, files };
}

async function open(files: Record<string, Uint8Array>) {
  const config = JSON.parse(new TextDecoder().decode(files["config.json"]));
  const json = (name: string) => JSON.parse(new TextDecoder().decode(files[name]));
  const checkpoint = await openCheckpoint(openFolder(files as never), { config });
  const spec = describeModel({ "config.json": config, "preprocessor_config.json": json("preprocessor_config.json") });
  return { config, checkpoint, matched: matchTensors(spec, checkpoint.tensors) };
}

describe("a copy of the model that ships", () => {
  test.each([
    { weights: "q4", compact: false, layers: 4, head: 8, embeddings: 16 },
    { weights: "q8", compact: false, layers: 8, head: 8, embeddings: 16 },
    { weights: "q4", compact: true, layers: 4, head: 8, embeddings: 8 },
  ] as const)("$weights, compact $compact", async ({ weights, compact, ...bits }) => {
    const { summary, files } = await pack({ weights, compact });
    const { checkpoint, matched, config } = await open(files);
    const original = await open(DEMO);
    let packed = 0;
    for (const { tensor, entry } of matched.parts) {
      const source = original.checkpoint.tensors.get(entry.name)!;
      const wanted = await rowsOf(original.checkpoint, source);
      const found = await rowsOf(checkpoint, entry);
      const isLayer = tensor.name.startsWith("decoder.layers.") && tensor.use === "linear";
      const expectedBits = isLayer
        ? bits.layers
        : tensor.use === "head"
          ? bits.head
          : tensor.use === "embedding"
            ? bits.embeddings
            : 16;
      if (expectedBits === 16) {
        expect(isPackedEncoding(entry.encoding), entry.name).toBe(false);
        expect(firstDifference(found, wanted), entry.name).toBe(-1);
        continue;
      }
      packed++;
      if (!isPackedEncoding(entry.encoding)) throw new Error(`${entry.name} is plain`);
      expect(entry.encoding.layout).toMatchObject({ bits: expectedBits, group: 32, bias: "none" });
      expect(firstDifference(found, roundedValues(wanted, expectedBits)), entry.name).toBe(-1);
    }
    expect(packed).toBeGreaterThan(20);
    expect(config.quantization_config).toMatchObject({ quant_method: "compressed-tensors", format: "pack-quantized" });
    expect(summary.parts).toContainEqual(
      expect.objectContaining({ part: "layers", kept: `${bits.layers} bits`, tensors: 28 }),
    );
    expect(files["tokenizer.json"]).toEqual(DEMO["tokenizer.json"]);
    const [header] = [await readSafetensorsHeader(await folderFile(files, "model.safetensors"))];
    expect(header!.metadata.get("fovea.packed-from")).toBe("demo");
    for (const { name, start, dtype } of header!.tensors.values())
      expect(start % (dtype === "I64" ? 8 : dtype === "I32" || dtype === "F32" ? 4 : 2), name).toBe(0);
  });

  test("shards below a limit, with an index", async () => {
    const { files, summary } = await pack({ shardBytes: 1_500_000 });
    const shards = summary.files.filter((name) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name));
    expect(shards.length).toBeGreaterThan(2);
    for (const name of shards) expect(files[name]!.byteLength).toBeLessThan(1_600_000);
    const whole = await open((await pack()).files);
    const parts = await open(files);
    expect([...parts.checkpoint.tensors.keys()].toSorted()).toEqual([...whole.checkpoint.tensors.keys()].toSorted());
  });

  test("a copy of a copy says that it is rounded twice", async () => {
    const { files } = await pack({ weights: "q8" });
    const { summary } = await pack({ weights: "q4" }, files);
    expect(summary.notes.join()).toMatch(/rounded once more/);
  });
});

test("a tied head that the file stores once more is left out", () => {
  const plain = (name: string): StoredTensor => ({
    ...{ name, shape: [8, 32], encoding: { id: "F32", dtype: "F32" }, planes: [] },
  });
  const [embed, layer, head] = [plain("embed.weight"), plain("layers.0.up.weight"), plain("lm_head.weight")];
  const part = (entry: StoredTensor, name: string, use: "embedding" | "linear", fallback: string[] = []) => {
    const { shape } = entry;
    return { tensor: { name, use, shape, parts: [{ names: [entry.name], fallback, shape, to: 0 }] }, entry };
  };
  const parts = [part(embed, "decoder.embed", "embedding", [head.name]), part(layer, "decoder.layers.0.up", "linear")];
  const spec = { family: "kind", decoder: {}, tensors: parts.map(({ tensor }) => tensor) } as never;
  const tensors = new Map([embed, layer, head].map((tensor) => [tensor.name, tensor]));
  const { items } = planPack(spec, { parts } as never, tensors, { weights: "q4" });
  expect(items.map(({ tensor, keep }) => [tensor.name, keep])).toEqual([
    [embed.name, "F16"],
    [layer.name, 4],
  ]);
});

describe("what is refused", () => {
  test("a model without a decoder", async () => {
    await expect(pack({}, classifierFiles())).rejects.toThrow(
      "the vit has no language decoder; only decoders are packed",
    );
  });

  test("rows that do not divide into groups", async () => {
    const spec = { family: "kind", decoder: {}, tensors: [], ignores: () => true } as never;
    const plan = () => planPack(spec, { parts: [] }, new Map(), { weights: "q4" });
    expect(plan).toThrow(/rows that divide into groups of 32; nothing can be packed/);
  });
});

async function rowsOf(
  checkpoint: Parameters<typeof readRows>[0],
  tensor: Parameters<typeof readRows>[1],
): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  for await (const block of readRows(checkpoint, tensor, {})) blocks.push(block);
  const all = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

function roundedValues(values: Float32Array, bits: 4 | 8): Float32Array {
  const { integers, scales } = roundGroups(values, bits);
  return values.map((_, i) => {
    const integer = bits === 8 ? (integers[i]! << 24) >> 24 : ((integers[i >> 1]! >> (4 * (i & 1))) & 15) - 8;
    return integer * scales[i >> 5]!;
  });
}

async function folderFile(files: Record<string, Uint8Array>, name: string) {
  return (await openFolder(files as never).open(name))!;
}

function firstDifference(found: Float32Array, wanted: Float32Array): number {
  if (found.length !== wanted.length) return Math.min(found.length, wanted.length);
  return found.findIndex((value, i) => value !== wanted[i]);
}
