import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/model/config.ts";
import { weightSlots } from "../../src/model/names.ts";
import { chooseWeights, weightBytes, weightType } from "../../src/model/weight-types.ts";

const MIB = 2 ** 20;
const DESKTOP = { maxBufferSize: 4096 * MIB };

/** A Llama of these sizes. */
function slotsOf(width: number, layers: number, mlpWidth: number, vocabularySize = 32_000) {
  return weightSlots(
    parseConfig({
      model_type: "llama",
      hidden_size: width,
      intermediate_size: mlpWidth,
      num_hidden_layers: layers,
      num_attention_heads: width / 64,
      vocab_size: vocabularySize,
      max_position_embeddings: 2048,
    }),
  );
}

describe("how weights are kept", () => {
  test.for<[string, number[], string, string, string]>([
    ["decoder.layers.0.qkv.weight", [96, 64], "f16", "q8", "q4"],
    ["decoder.embed", [100, 64], "f16", "q8", "q8"],
    ["decoder.head", [100, 64], "f16", "q8", "q8"],
    ["classifier.weight", [10, 64], "f16", "q8", "q8"],
    ["decoder.norm.weight", [64], "f32", "f32", "f32"],
    ["vision.positions", [65, 64], "f32", "f32", "f32"],
    // 3 x 14 x 14: no groups of 32, nor of 8.
    ["vision.patch.weight", [64, 588], "f32", "f32", "f32"],
    ["vision.blocks.0.fc2.weight", [64, 40], "f16", "f16", "f16"],
  ])("%s %j", ([name, shape, ...expected]) => {
    expect((["f16", "q8", "q4"] as const).map((wanted) => weightType({ name, shape }, wanted))).toEqual(expected);
    expect(weightType({ name, shape }, "f32")).toBe("f32");
  });

  test("bytes are those of the formats", () => {
    const slots = slotsOf(1024, 4, 4096);
    const f32 = weightBytes(slots, "f32");
    expect(weightBytes(slots, "f16") / f32).toBeCloseTo(1 / 2, 3);
    // Of 32 values: 34 and 18 bytes of 128; the tables of q4 have 8 bits.
    expect(weightBytes(slots, "q8") / f32).toBeCloseTo(34 / 128, 3);
    const tables = (2 * 32_000 * 1024 * 4) / f32;
    expect(weightBytes(slots, "q4") / f32).toBeCloseTo((tables * 34 + (1 - tables) * 18) / 128, 3);
  });

  test("auto: exact while small, then as wide as the device has room for", () => {
    expect(chooseWeights(slotsOf(512, 6, 2048), DESKTOP)).toBe("f32");
    // Qwen2-0.5B's size: 1.0 GB as halves.
    expect(chooseWeights(slotsOf(896, 24, 4864), DESKTOP)).toBe("f16");
    // TinyLlama: 2.2 GB as halves, 1.2 GB with 8 bits.
    expect(chooseWeights(slotsOf(2048, 22, 5632), DESKTOP)).toBe("q4");
    expect(chooseWeights(slotsOf(1536, 22, 4096), DESKTOP)).toBe("q8");
    // A phone that allows buffers of 256 MiB.
    expect(chooseWeights(slotsOf(896, 24, 4864), { maxBufferSize: 256 * MIB })).toBe("q4");
    // What fits in no format still gets one; whether there is memory is seen when it is asked for.
    expect(chooseWeights(slotsOf(4096, 32, 11008), { maxBufferSize: 256 * MIB })).toBe("q4");
  });
});
