/** Encoders with LayerScale, RMSNorms, and norms of queries and keys, on random weights, against the reference. */
import { describe, expect, test } from "vitest";
import type { Recorder } from "../../../src/gpu/pass.ts";
import { readFloats } from "../../../src/gpu/readback.ts";
import type { Tensor } from "../../../src/gpu/tensor.ts";
import { Encoder } from "../../../src/model/encoder/encoder.ts";
import { Weights } from "../../../src/model/load/fill.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { elementCount } from "../../../src/shared/shape.ts";
import type { ModelSpec } from "../../../src/spec/model-spec.ts";
import { plainTensor, type StoredTensor } from "../../../src/weights/formats/stored-tensor.ts";
import { encodeImage } from "../../reference/model/vision.ts";
import type { Weights as ReferenceWeights } from "../../reference/model/weights.ts";
import { expectNmse } from "../../support/compare.ts";
import { describeModel } from "../../support/describe-model.ts";
import { freshRandom, type Random, useGpu } from "../../support/gpu.ts";
import { NMSE_MODEL } from "../../support/tolerances.ts";

const VISION = {
  model_type: "internvl_vision",
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 3,
  num_attention_heads: 3,
  image_size: 24,
  patch_size: 4,
  attention_bias: true,
  hidden_act: "gelu",
  layer_norm_eps: 1e-6,
};
const TEXT = {
  model_type: "qwen2",
  hidden_size: 16,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
};

function specOf(changes: object): ModelSpec {
  const text_config = { ...TEXT, num_key_value_heads: 2, vocab_size: 20 };
  const vision_config: typeof VISION = { ...VISION, ...changes };
  const image_seq_length = (vision_config.image_size / vision_config.patch_size / 2) ** 2;
  const json = { model_type: "internvl", image_seq_length, image_token_id: 19, vision_config, text_config };
  return describeModel({ "config.json": json });
}

/** Entries of a file that holds every tensor under its first name. */
function entriesOf({ tensors }: ModelSpec): Map<string, StoredTensor> {
  const entries = new Map<string, StoredTensor>();
  for (const { parts } of tensors)
    for (const { names, shape } of parts) {
      const bytes = 4 * elementCount(shape);
      entries.set(names[0]!, plainTensor({ name: names[0]!, dtype: "F32", shape, file: "", start: 0, end: bytes }));
    }
  return entries;
}

/** The reference's names of an encoder's tensors; the packed product of queries, keys and values is three there. */
function referenceOf(values: ReadonlyMap<string, { data: Float32Array; shape: readonly number[] }>): ReferenceWeights {
  const weights: [string, { data: Float32Array; shape: number[] }][] = [];
  const add = (name: string, data: Float32Array, shape: readonly number[]) =>
    weights.push([`vision.${name}`, { data, shape: [...shape] }]);
  const whole: Record<string, string> = {
    "encoder.class": "embeddings.class_embedding",
    "encoder.positions": "embeddings.position_embedding.weight",
    "encoder.patch.weight": "embeddings.patch_embedding.weight",
    "encoder.patch.bias": "embeddings.patch_embedding.bias",
  };
  const inBlock: Record<string, string> = {
    norm1: "layer_norm1",
    norm2: "layer_norm2",
    out: "self_attn.out_proj",
    fc1: "mlp.fc1",
    fc2: "mlp.fc2",
    scale1: "lambda_1",
    scale2: "lambda_2",
    qNorm: "q_norm",
    kNorm: "k_norm",
  };
  for (const [name, { data, shape }] of values) {
    if (whole[name]) add(whole[name], data, shape);
    const [, block, part, end = ""] = /^encoder\.blocks\.(\d+)\.(\w+)(\.\w+)?$/.exec(name) ?? [];
    if (!part) continue;
    if (part !== "qkv") add(`encoder.layers.${block}.${inBlock[part]}${end}`, data, shape);
    else
      for (const [i, letter] of ["q", "k", "v"].entries()) {
        const third = data.length / 3;
        const own = data.slice(i * third, (i + 1) * third);
        add(`encoder.layers.${block}.self_attn.${letter}_proj${end}`, own, [shape[0]! / 3, ...shape.slice(1)]);
      }
  }
  return new Map(weights) as unknown as ReferenceWeights;
}

function randomValues(random: Random, shape: readonly number[]): Float32Array {
  return random.floats(elementCount(shape)).map((value) => value * (shape.length === 1 ? 1 : 0.4));
}

describe("encoders of other parts", () => {
  const { gpu: device } = useGpu();

  test.for<[string, object]>([
    ["LayerNorms", {}],
    ["RMSNorms", { norm_type: "rms_norm" }],
    ["norms of queries and keys", { use_qk_norm: true }],
    ["RMSNorms, and norms of queries and keys", { norm_type: "rms_norm", use_qk_norm: true }],
    // More rows than a matrix of attention may have: its memory grows with the rows, and sums run over many tiles.
    ["2,304 patches in one view", { image_size: 192, num_hidden_layers: 2, hidden_size: 8, num_attention_heads: 1 }],
  ])("LayerScale with %s", async ([, changes]) => {
    const gpu = device();
    const arena = gpu.arena.scope();
    const random = freshRandom("encoder parts");
    const spec = specOf(changes);
    const weights = new Weights(arena, matchTensors(spec, entriesOf(spec)));
    const values = new Map(
      spec.tensors
        .filter(({ name }) => name.startsWith("encoder."))
        .map(({ name, shape }) => [name, { data: randomValues(random, shape), shape }] as const),
    );
    for (const [name, { data }] of values) gpu.upload(weights.get(name), data);
    const vision: typeof VISION = { ...VISION, ...changes };
    const { image_size: size, patch_size: patch, hidden_size: width } = vision;
    const side = size / patch;
    const image = random.floats(3 * size * size);
    const pixels = arena.tensor("pixels", [1, 3, size, size]);
    gpu.upload(pixels, image);

    let hidden!: Tensor;
    const record = (recorder: Recorder) => {
      const options = { plan: { method: "none" } as const, kept: arena, scratch: arena };
      ({ hidden } = new Encoder(gpu, weights, spec.encoder!).encode(recorder, pixels, {
        ...options,
        grid: { rows: side, cols: side },
      }));
    };
    await gpu.compile(record);
    gpu.submit("encode", record);

    const compression = { method: "none" } as const;
    const options = { featureLayer: -1, keepClassToken: true, compression, cell: 2 };
    const expected = encodeImage(image, vision, referenceOf(values), options).features;
    expect(hidden.shape).toEqual([1 + side ** 2, width]);
    expectNmse("hidden state", await readFloats(gpu, hidden), expected, NMSE_MODEL);
    arena.dispose();
  });
});
