/** Synthetic checkpoints: they are laid out as the published ones, and their bytes are the same whenever they are asked for. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { matchTensors } from "../../src/model/load/match.ts";
import { ChatTemplate } from "../../src/text/chat-template.ts";
import { buildPrompt, renderPrompt } from "../../src/text/prompt.ts";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { makeFolder } from "../../src/weights/folder.ts";
import { openUrl } from "../../src/weights/url-source.ts";
import { describeModel } from "../support/describe-model.ts";
import { freshRandom } from "../support/random.ts";
import {
  CHECKPOINT_NAMES,
  type SyntheticCheckpoint,
  type SyntheticFile,
  syntheticCheckpoint,
} from "../support/synthetic/checkpoint.ts";
import { serveCheckpoint } from "../support/synthetic/server.ts";
import { idsOf } from "../support/synthetic/tokenizer.ts";
import { BLOCK_ELEMENTS, halfBits } from "../support/synthetic/values.ts";

function bytesOf(file: SyntheticFile, start = 0, end = file.byteLength): Uint8Array {
  const bytes = new Uint8Array(end - start);
  let at = 0;
  for (const chunk of file.chunks(start, end)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  expect(at).toBe(bytes.length);
  return bytes;
}

function halfValue(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Values of a tensor of any type. */
function valuesOf({ files, shards }: SyntheticCheckpoint, name: string, from: number, count: number): number[] {
  const shard = shards.find(({ tensors }) => tensors.some((tensor) => tensor.name === name))!;
  const tensor = shard.tensors.find((candidate) => candidate.name === name)!;
  const size = tensor.dtype === "F32" ? 4 : 2;
  const start = tensor.start + from * size;
  const view = new DataView(bytesOf(files.get(shard.name)!, start, start + count * size).buffer);
  return Array.from({ length: count }, (_, i) => {
    if (tensor.dtype === "F32") return view.getFloat32(4 * i, true);
    const bits = view.getUint16(2 * i, true);
    return tensor.dtype === "F16" ? halfValue(bits) : new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
  });
}

// A checkpoint is made in a tenth of a second, but not on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

describe("layout", () => {
  // In GB of 10^9 bytes. The first is as the hub shows it; the others follow from names and shapes.
  test.for([
    [
      "llava-1.5-7b",
      ["model-00001-of-00003", "model-00002-of-00003", "model-00003-of-00003"],
      [4.99, 4.96, 4.18],
      7.06,
    ],
    ["tiny-llava", ["model-00001-of-00002", "model-00002-of-00002"], [4.98, 0.66], 1.41],
    ["llava-interleave-qwen-0.5b", ["model"], [1.73], 0.86],
    ["smolvlm-256m", ["model"], [0.51], 0.26],
  ] as const)("%s", ([name, files, sizes, billions]) => {
    const { shards, parameters } = syntheticCheckpoint(name);
    expect(shards.map((shard) => shard.name)).toEqual(files.map((file) => `${file}.safetensors`));
    for (const [i, { byteLength }] of shards.entries()) expect(byteLength / 1e9).toBeCloseTo(sizes[i]!, 2);
    expect(parameters / 1e9).toBeCloseTo(billions, 2);
  });

  test.for(CHECKPOINT_NAMES)("%s opens, and every tensor is known", async (name) => {
    const synthetic = syntheticCheckpoint(name);
    const server = await serveCheckpoint(synthetic);
    onTestFinished(() => server.close());
    const folder = makeFolder(server.url, (file, options) => openUrl(new URL(file, server.url), file, options));
    const checkpoint = await openCheckpoint(folder);
    const spec = describeModel({ "config.json": await folder.json("config.json") });
    expect(matchTensors(spec, checkpoint.tensors).parts.length).toBeLessThanOrEqual(checkpoint.tensors.size);
    expect(checkpoint.byteLength).toBe(synthetic.shards.reduce((sum, { byteLength }) => sum + byteLength, 0));
    // Headers alone, each in the first request.
    expect(server.sentBytes).toBeLessThan(64 << 20);
  });

  test("fewer layers, as many as are asked for to be run", () => {
    const { config, shards } = syntheticCheckpoint("llava-1.5-7b", { blocks: 2, layers: 3 });
    const { encoder, decoder } = describeModel({ "config.json": config });
    expect([encoder!.runBlocks, decoder!.layers.length]).toEqual([2, 3]);
    expect([encoder!.width, decoder!.width, decoder!.vocabularySize]).toEqual([1024, 4096, 32064]);
    expect(shards[0]!.tensors.filter(({ name }) => /layers\.2\.mlp\.(fc1\.weight|up_proj)/.test(name))).toHaveLength(2);
  });
});

describe("bytes", () => {
  const random = freshRandom("synthetic bytes");
  const checkpoint = syntheticCheckpoint("llava-interleave-qwen-0.5b");

  test("any range is part of the whole, again and in another instance", () => {
    const [shard] = checkpoint.shards;
    const file = checkpoint.files.get(shard!.name)!;
    const other = syntheticCheckpoint("llava-interleave-qwen-0.5b").files.get(shard!.name)!;
    const places = [0, shard!.header.byteLength - 5, ...shard!.tensors.slice(1, 9).map(({ start }) => start - 7)];
    for (const place of [...places, random.integer(0, file.byteLength - (3 << 20))]) {
      const whole = bytesOf(file, place, place + (3 << 20));
      const [from, to] = [random.integer(0, 1 << 20), random.integer(2 << 20, 3 << 20)];
      expect(Buffer.compare(bytesOf(other, place + from, place + to), whole.subarray(from, to))).toBe(0);
    }
    const end = file.byteLength;
    expect(bytesOf(file, end - 9, end)).toEqual(bytesOf(file, end - 100, end).subarray(91));
  });

  test("another seed is another checkpoint", () => {
    const name = "language_model.model.norm.weight";
    expect(valuesOf(syntheticCheckpoint("tiny-llava", { seed: 2 }), name, 0, 8)).not.toEqual(
      valuesOf(syntheticCheckpoint("tiny-llava"), name, 0, 8),
    );
  });

  test.for([
    ["llava-1.5-7b", "language_model.model.layers.31.mlp.down_proj.weight", 0, 1 / Math.sqrt(11008)],
    ["llava-1.5-7b", "vision_tower.vision_model.embeddings.patch_embedding.weight", 0, 1 / Math.sqrt(588)],
    ["tiny-llava", "language_model.model.norm.weight", 1, 0.05],
    ["llava-interleave-qwen-0.5b", "language_model.model.layers.0.self_attn.q_proj.bias", 0, 0.02],
  ] as const)("%s %s is of its size, in its type", ([name, tensor, mean, deviation]) => {
    const values = valuesOf(syntheticCheckpoint(name), tensor, 0, 1000);
    const average = values.reduce((sum, value) => sum + value, 0) / 1000;
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / 1000;
    expect(Math.abs(average - mean)).toBeLessThan(deviation / 5);
    expect(Math.sqrt(variance) / deviation).toBeCloseTo(1, 0);
  });

  test("rows are no more alike than independent ones", () => {
    const seven = syntheticCheckpoint("llava-1.5-7b");
    const [name, width] = ["language_model.lm_head.weight", 4096];
    const row = (index: number) => valuesOf(seven, name, index * width, width);
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const first = row(0);
    // Neighbours, and the rows that the block's next repetition begins with.
    const again = Math.floor(BLOCK_ELEMENTS / width);
    for (const index of [1, 2, again - 1, again, again + 1, 2 * again, 32063]) {
      const other = row(index);
      const cosine = dot(first, other) / Math.sqrt(dot(first, first) * dot(other, other));
      expect(Math.abs(cosine), `row ${index}`).toBeLessThan(5 / Math.sqrt(width));
    }
  });

  test("are computed faster than a disk would have them", () => {
    const file = checkpoint.files.get("model.safetensors")!;
    for (const _ of file.chunks(1 << 20, 2 << 20));
    const start = process.cpuUsage();
    let bytes = 0;
    for (const chunk of file.chunks(300 << 20, 812 << 20)) bytes += chunk.byteLength;
    // Of the processor, whatever else the machine does: bytes a microsecond.
    const { user, system } = process.cpuUsage(start);
    const rate = bytes / (user + system);
    console.log(`synthetic values: ${rate.toFixed(0)} MB a second of one core`);
    expect(rate).toBeGreaterThan(500);
  });
});

test("halves are rounded to the nearest, ties to even", () => {
  const bits = (value: number) => halfBits(new Uint32Array(Float32Array.of(value).buffer)[0]!);
  const wrong: number[] = [];
  for (let half = 0; half < 0x7c00; half++) {
    const isExact = bits(halfValue(half)) === half;
    const middle = (halfValue(half) + halfValue(half + 1)) / 2;
    if (!isExact || (half + 1 < 0x7c00 && bits(middle) !== half + (half & 1))) wrong.push(half);
  }
  expect(wrong).toEqual([]);
  expect(bits(-1.5)).toBe(0xbe00);
  expect(bits(1e-9)).toBe(0);
});

test("tokenizers have the ids that there are, and answers tell them", () => {
  const { files, config } = syntheticCheckpoint("tiny-llava");
  const text = (name: string) => new TextDecoder().decode(bytesOf(files.get(name)!));
  const names = ["tokenizer.json", "tokenizer_config.json", "generation_config.json"];
  const parsed = Object.fromEntries(names.map((name) => [name, text(name)]));
  const tokenizer = Tokenizer.parse({ ...parsed, "config.json": config } as never, { imageTokenId: 32000 });
  expect([0, 2, 31999, 32000, 32001, 32002].map((id) => tokenizer.hasId(id))).toEqual([
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
  expect(tokenizer.eosIds).toEqual([2]);
  const prompt = "USER: What is in this picture? ASSISTANT:";
  const ids = tokenizer.encode(prompt);
  expect(ids[0]).toBe(1);
  expect(ids.length).toBeLessThan(16);
  expect(tokenizer.decode(ids)).toBe(prompt);
  expect(idsOf(tokenizer.decode([31999, 12345, ids[2]!, 777]))).toEqual([31999, 12345, 777]);
});

test("smolvlm-256m cuts 1920 x 1080 into 3 x 4 tiles and an overview, whose tags are single tokens", () => {
  const { files } = syntheticCheckpoint("smolvlm-256m");
  const json = (name: string) => JSON.parse(new TextDecoder().decode(bytesOf(files.get(name)!)));
  const names = ["config.json", "preprocessor_config.json", "processor_config.json"] as const;
  const { pictures, imageTokenId } = describeModel(Object.fromEntries(names.map((name) => [name, json(name)])));
  const plan = pictures!.plan(1920, 1080, {});
  expect(plan.views.map(({ left, top, width, height }) => [top / 512, left / 512, width, height])).toEqual([
    ...[0, 1, 2].flatMap((row) => [0, 1, 2, 3].map((col) => [row, col, 512, 512])),
    [0, 0, 512, 512],
  ]);

  const text = Object.fromEntries(["tokenizer.json", "tokenizer_config.json"].map((name) => [name, json(name)]));
  const tokenizer = Tokenizer.parse({ ...text, "config.json": json("config.json") } as never, {
    imageTokenId: imageTokenId!,
  });
  const template = ChatTemplate.parse(text as never, tokenizer);
  const content = [{ type: "image" }, { type: "text", text: "What is in this picture?" }] as never;
  const rendered = renderPrompt(tokenizer, template, [{ role: "user", content }]);
  const prompt = buildPrompt(tokenizer, rendered, [pictures!.runs(plan, new Array(13).fill(64))]);
  const [spans] = prompt.pictures;
  expect(spans!.map(({ count }) => count)).toEqual(new Array(13).fill(64));
  // Before each view <fake_token_around_image>, then <row_r_col_c> of 6 columns, or <global-img>.
  const tags = spans!.map(({ start }) => [prompt.ids[start - 2], prompt.ids[start - 1]]);
  const tileTags = [0, 1, 2].flatMap((row) => [0, 1, 2, 3].map((col) => [49189, 49153 + 6 * row + col]));
  expect(tags).toEqual([...tileTags, [49189, 49152]]);
  const last = spans![12]!;
  expect(prompt.ids[last.start + last.count]).toBe(49189);
  expect([prompt.ids[0], prompt.ids.filter((id) => id === 49190).length]).toEqual([1, 13 * 64]);
});
