/** A decoder whose matrices lie in several buffers: loaded across the borders, and the same logits as in one. */
import { describe, expect, test } from "vitest";
import { isSplit, tensorByteLength } from "../../../src/gpu/tensor.ts";
import type { WeightType } from "../../../src/kernels/weights.ts";
import { promptRows } from "../../../src/model/decoder/prompt-rows.ts";
import { fillWeights, Weights } from "../../../src/model/load/fill.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { openCheckpoint } from "../../../src/weights/checkpoint.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { expectNmse } from "../../support/compare.ts";
import { TestDecoder } from "../../support/decoder.ts";
import { describeModel } from "../../support/describe-model.ts";
import { freshRandom, useGpu } from "../../support/gpu.ts";
import { smallArena } from "../../support/small-arena.ts";
import { NMSE_PRODUCT } from "../../support/tolerances.ts";
import { safetensorsFile, type TensorSpec } from "../../weights/safetensors-file.ts";

const WIDTH = 64;
const VOCABULARY = 200;

/** Qwen2, for its biases; [256, 64] queries, keys and values, [192, 64] gate and up, a head of its own. */
const json = {
  model_type: "qwen2",
  hidden_size: WIDTH,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: VOCABULARY,
  max_position_embeddings: 512,
};

describe("a decoder with split weights", () => {
  const { gpu: device } = useGpu();

  test.for<WeightType>(["f32", "f16", "q8", "q4"])("%s", async (type) => {
    const gpu = device();
    const spec = describeModel({ "config.json": json });
    const random = freshRandom("split decoder");
    const tensors: TensorSpec[] = spec.tensors.flatMap(({ parts }) =>
      parts.map(({ names, shape }) => {
        const count = shape.reduce((product, dimension) => product * dimension, 1);
        const values = random.floats(count, 1 / Math.sqrt(shape.length === 1 ? 1 : shape[1]!));
        return { name: names[0]!, dtype: "F32", shape: [...shape], bytes: new Uint8Array(values.buffer) };
      }),
    );
    const checkpoint = await openCheckpoint(openFolder({ "model.safetensors": safetensorsFile(tensors) }));
    const matched = matchTensors(spec, checkpoint.tensors);
    // Room for 64 rows of the widest matrix (128), so that the others come to parts of 128 rows. Tables of q4 have 8 bits.
    const small = smallArena(gpu, tensorByteLength({ shape: [64, 2 * WIDTH], type }));
    const decoders: TestDecoder[] = [];
    for (const arena of [gpu.arena, small]) {
      const weights = new Weights(arena, matched, type);
      await fillWeights(gpu, gpu.arena, weights, matched.parts, checkpoint);
      const split = matched.tensors.filter(({ name }) => isSplit(weights.matrix(name))).map(({ name }) => name);
      if (arena === small)
        expect(split).toEqual(
          expect.arrayContaining(["qkv.weight", "gateUp.weight"].map((name) => `decoder.layers.1.${name}`)),
        );
      expect(split.includes("decoder.embed") && split.includes("decoder.head")).toBe(arena === small);
      expect(weights.parameters).toBe(tensors.reduce((sum, { bytes }) => sum + bytes.length / 4, 0));
      decoders.push(await TestDecoder.make(gpu, weights, spec));
    }
    const ids = Array.from({ length: 9 }, () => random.integer(0, VOCABULARY - 1));
    const prompt = promptRows({ ids, pictures: [] }, [], { vocabularySize: VOCABULARY });
    // The last two rows one by one: what one dispatch does with weights in one buffer takes several here.
    const [whole, split] = (await Promise.all(decoders.map((decoder) => decoder.run(prompt, [7, 8])))) as [
      Float32Array,
      Float32Array,
    ];
    expect(whole.every(Number.isFinite)).toBe(true);
    expect(split.subarray(0, 7 * VOCABULARY)).toEqual(whole.subarray(0, 7 * VOCABULARY));
    expectNmse("rows one by one", split.subarray(7 * VOCABULARY), whole.subarray(7 * VOCABULARY), NMSE_PRODUCT);
    small.dispose();
  });
});
