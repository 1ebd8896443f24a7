/** Storage types of weights, by their use and shape, and the choice of "auto". */
import { describe, expect, test } from "vitest";
import { chooseWeights, resolveWeights, weightBytes, weightType } from "../../../src/model/load/precision.ts";
import type { TensorUse } from "../../../src/spec/tensor-spec.ts";
import { describeModel } from "../../support/describe-model.ts";

const MIB = 2 ** 20;
const DESKTOP = { maxBufferSize: 4096 * MIB };

/** The tensors of a Llama of these sizes. */
function tensorsOf(width: number, layers: number, mlpWidth: number, vocabularySize = 32_000) {
  const config = {
    model_type: "llama",
    hidden_size: width,
    intermediate_size: mlpWidth,
    num_hidden_layers: layers,
    num_attention_heads: width / 64,
    vocab_size: vocabularySize,
    max_position_embeddings: 2048,
  };
  return describeModel({ "config.json": config }).tensors;
}

describe("storage types", () => {
  test.for<[TensorUse, number[], string, string, string]>([
    ["linear", [96, 64], "f16", "q8", "q4"],
    ["embedding", [100, 64], "f16", "q8", "q8"],
    ["head", [100, 64], "f16", "q8", "q8"],
    ["head", [10, 64], "f16", "q8", "q8"],
    ["vector", [64], "f32", "f32", "f32"],
    ["table", [65, 64], "f32", "f32", "f32"],
    // Patches of 3 x 14 x 14: no groups of 32, nor of 8.
    ["linear", [64, 588], "f32", "f32", "f32"],
    ["linear", [64, 40], "f16", "f16", "f16"],
  ])("%s %j", ([use, shape, ...expected]) => {
    expect((["f16", "q8", "q4"] as const).map((wanted) => weightType({ use, shape }, wanted))).toEqual(expected);
    expect(weightType({ use, shape }, "f32")).toBe("f32");
  });

  test("each tensor of a model says its use", () => {
    const vision = { model_type: "llava", text_config: { num_hidden_layers: 1 } };
    const uses = new Map(describeModel({ "config.json": vision }).tensors.map(({ name, use }) => [name, use]));
    const named = (use: TensorUse) => [...uses].filter(([, other]) => other === use).map(([name]) => name);
    expect(named("embedding")).toEqual(["decoder.embed"]);
    expect(named("head")).toEqual(["decoder.head"]);
    expect(named("table")).toEqual(["encoder.positions"]);
    expect(named("vector").filter((name) => !/(\.bias|[nN]orm\d?\.weight|encoder\.class)$/.test(name))).toEqual([]);
    expect(named("linear").filter((name) => !/\.(qkv|out|fc1|fc2|gateUp|down|patch|[12])\.weight$/.test(name))).toEqual(
      [],
    );
  });

  test("bytes are those of the formats", () => {
    const tensors = tensorsOf(1024, 4, 4096);
    const f32 = weightBytes(tensors, "f32");
    expect(weightBytes(tensors, "f16") / f32).toBeCloseTo(1 / 2, 3);
    // Of 32 values: 34 and 18 bytes of 128; the tables of q4 have 8 bits.
    expect(weightBytes(tensors, "q8") / f32).toBeCloseTo(34 / 128, 3);
    const tables = (2 * 32_000 * 1024 * 4) / f32;
    expect(weightBytes(tensors, "q4") / f32).toBeCloseTo((tables * 34 + (1 - tables) * 18) / 128, 3);
  });

  test("auto: exact while small, then as wide as the device has room for", () => {
    expect(chooseWeights(tensorsOf(512, 6, 2048), DESKTOP)).toBe("f32");
    // Qwen2-0.5B's size: 1.0 GB in f16.
    expect(chooseWeights(tensorsOf(896, 24, 4864), DESKTOP)).toBe("f16");
    // TinyLlama: 2.2 GB in f16, 1.2 GB with 8 bits.
    expect(chooseWeights(tensorsOf(2048, 22, 5632), DESKTOP)).toBe("q4");
    expect(chooseWeights(tensorsOf(1536, 22, 4096), DESKTOP)).toBe("q8");
    // A phone that allows buffers of 256 MiB.
    expect(chooseWeights(tensorsOf(896, 24, 4864), { maxBufferSize: 256 * MIB })).toBe("q4");
    // A model that fits in no format still gets one; allocating it tells whether there is memory.
    expect(chooseWeights(tensorsOf(4096, 32, 11008), { maxBufferSize: 256 * MIB })).toBe("q4");
  });

  test("a format that was asked for is taken as it is", () => {
    const tensors = tensorsOf(512, 6, 2048);
    expect(resolveWeights({ tensors, parts: [] }, "q4", DESKTOP)).toBe("q4");
    expect(resolveWeights({ tensors, parts: [] }, "auto", DESKTOP)).toBe("f32");
  });
});
