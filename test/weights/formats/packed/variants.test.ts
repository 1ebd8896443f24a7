/** MLX and compressed-tensors: variants of published files that the golden checkpoints do not have. */
import { describe, expect, test } from "vitest";
import { isPackedEncoding } from "../../../../src/weights/formats/encoding.ts";
import { compressedValues, mlxValues } from "../../../reference/packed-formats.ts";
import { decodeRows, findIn } from "../../../support/packed-tensors.ts";
import { safetensorsFile } from "../../safetensors-file.ts";
import { expectValues, MODULE as M, numbers, order, whole, words } from "./matrix-files.ts";

describe("MLX", () => {
  const cases = [2, 3, 4, 5, 6, 8].flatMap((bits) => [32, 64, 128].map((group) => [bits, group] as const));
  test.each(cases)("%i bits in groups of %i", async (bits, group) => {
    const tensors = [
      words(`${M}.weight`, [16, (256 * bits) / 32], "U32"),
      numbers(`${M}.scales`, [16, 256 / group], bits === 6 ? "F32" : "BF16"),
      numbers(`${M}.biases`, [16, 256 / group], bits === 6 ? "F32" : "BF16"),
    ];
    const config = { quantization: { bits, group_size: group } };
    const { tensor } = await expectValues(tensors, config, (raw) => mlxValues(raw, M, bits, group));
    expect(isPackedEncoding(tensor.encoding) && tensor.encoding.layout.bits).toBe(Math.max(bits, 4));
  });

  test("other settings for a module, and the old field", async () => {
    const tensors = [
      words(`${M}.weight`, [16, 64], "U32"),
      numbers(`${M}.scales`, [16, 4]),
      numbers(`${M}.biases`, [16, 4]),
    ];
    const quantization_config = { bits: 4, group_size: 32, mode: "affine", [M]: { bits: 8, group_size: 64 } };
    await expectValues(tensors, { quantization_config }, (raw) => mlxValues(raw, M, 8, 64));
  });

  // Key in the config; the tensors are named after M. Published so by converters that wrap or unwrap the language model.
  test.each([
    "model.language_model.layers.0.mlp.up_proj",
    "language_model.model.layers.0.mlp.up_proj",
    "layers.0.mlp.up_proj",
  ])("settings under another tool's name of the module: %s", async (key) => {
    const tensors = [
      words(`${M}.weight`, [16, 48], "U32"),
      numbers(`${M}.scales`, [16, 2]),
      numbers(`${M}.biases`, [16, 2]),
    ];
    const quantization = { bits: 4, group_size: 128, [key]: { bits: 6, group_size: 128 } };
    await expectValues(tensors, { quantization }, (raw) => mlxValues(raw, M, 6, 128));
  });

  test("convolutions with channels last", async () => {
    const stored = numbers("vision.patch.weight", [4, 5, 5, 3], "F32");
    const frames = numbers("vision.proj.weight", [4, 2, 5, 5, 3], "BF16");
    const taps = numbers("conv.conv.weight", [6, 4, 1], "F32");
    const plain = numbers("other.weight", [4, 3, 5, 5], "F32");
    const file = safetensorsFile([stored, frames, taps, plain]);
    const found = await findIn(file, {});
    const shapes = Object.fromEntries([...found.tensors].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      "vision.patch.weight": [4, 3, 5, 5],
      "vision.proj.weight": [4, 3, 2, 5, 5],
      "conv.conv.weight": [6, 1, 4],
      "other.weight": [4, 3, 5, 5],
    });
    const values = new Float32Array(stored.bytes.slice().buffer);
    const moved = decodeRows(file, found.tensors.get("vision.patch.weight")!, 1, 2);
    // Row 2, channel 1, at (3, 4).
    expect(moved[((1 * 3 + 1) * 5 + 3) * 5 + 4]).toBe(values[((2 * 5 + 3) * 5 + 4) * 3 + 1]);
    expect(decodeRows(file, found.tensors.get("conv.conv.weight")!, 0, 6)).toEqual(
      new Float32Array(taps.bytes.slice().buffer),
    );
  });
});

describe("compressed-tensors", () => {
  const group = (weights: object, more: object = {}) => ({ targets: ["Linear"], weights, ...more });
  const config = (groups: object, more: object = {}) => ({
    quantization_config: {
      quant_method: "compressed-tensors",
      format: "pack-quantized",
      config_groups: groups,
      ...more,
    },
  });
  const [rows, columns] = [16, 256];

  test.each([
    { bits: 4, size: 128, zeros: true },
    { bits: 8, size: 64, zeros: true },
    { bits: 8, size: 32, zeros: false },
    { bits: 4, size: 0, zeros: true },
  ] as const)("$bits bits, group $size, zero points $zeros", async ({ bits, size, zeros }) => {
    const groups = size > 0 ? columns / size : 1;
    const tensors = [
      words(`${M}.weight_packed`, [rows, (columns * bits) / 32]),
      numbers(`${M}.weight_scale`, [rows, groups], "BF16"),
      whole(`${M}.weight_shape`, [rows, columns], "I64"),
      ...(zeros ? [words(`${M}.weight_zero_point`, [(rows * bits) / 32, groups])] : []),
      whole(`${M}.weight_g_idx`, order(columns, size || columns), "I32"),
    ];
    const weights = {
      num_bits: bits,
      symmetric: !zeros,
      ...(size > 0 ? { group_size: size } : { strategy: "channel" }),
    };
    await expectValues(tensors, config({ group_0: group(weights) }), (raw) => compressedValues(raw, M, bits, size));
  });

  test.each([
    { scale: [16, 1], zeros: false, strategy: "channel" },
    { scale: [16], zeros: false, strategy: "channel" },
    { scale: [16, 1], zeros: true, strategy: "channel" },
    { scale: [1], zeros: false, strategy: "tensor" },
    { scale: [], zeros: true, strategy: "tensor" },
  ])("bytes with scales $scale, zero points $zeros", async ({ scale, zeros, strategy }) => {
    const tensors = [
      words(`${M}.weight`, [rows, columns], "I8"),
      numbers(`${M}.weight_scale`, scale, "F32"),
      ...(zeros ? [words(`${M}.weight_zero_point`, scale, "I8")] : []),
    ];
    const activations = { input_activations: { num_bits: 8, dynamic: true, strategy: "token" } };
    const quantization = config(
      { group_0: group({ num_bits: 8, strategy }, activations) },
      { format: "int-quantized" },
    );
    const { notes } = await expectValues(tensors, quantization, (raw) => compressedValues(raw, M, 8, 0));
    expect(notes).toEqual([expect.stringMatching(/input_activations is ignored/)]);
  });

  test("several groups, by name, by expression, by class and by shape", async () => {
    const tensors = [
      words(`${M}.weight_packed`, [rows, columns / 4]),
      numbers(`${M}.weight_scale`, [rows, columns / 32]),
    ];
    const four = { num_bits: 4, group_size: 32 };
    const eight = { num_bits: 8, group_size: 32 };
    for (const targets of [[M], ["re:.*up_proj$"], ["re:^model\\.layers\\.\\d+\\.mlp.*"]])
      await expectValues(tensors, config({ a: group(four), b: { targets, weights: eight } }), (raw) =>
        compressedValues(raw, M, 8, 32),
      );
    const elsewhere = { targets: ["language_model.layers.0.mlp.up_proj"], weights: eight };
    const none = { targets: ["re:.*down_proj"], weights: { ...four, group_size: 128 } };
    await expectValues(tensors, config({ a: none, b: elsewhere }), (raw) => compressedValues(raw, M, 8, 32));
  });

  test("a preset, and a cache of few bits", async () => {
    const tensors = [
      words(`${M}.weight_packed`, [rows, columns / 8]),
      numbers(`${M}.weight_scale`, [rows, columns / 128]),
      numbers("model.layers.0.self_attn.k_scale", [1]),
    ];
    const quantization = config({ W4A16: ["Linear"] }, { kv_cache_scheme: { num_bits: 8 } });
    const { notes, tensors: all } = await expectValues(tensors, quantization, (raw) =>
      compressedValues(raw, M, 4, 128),
    );
    expect(notes).toEqual([expect.stringMatching(/kv_cache_scheme is ignored/)]);
    expect([...all.keys()]).toEqual([`${M}.weight`]);
  });

  test.each([
    [{ transform_config: { config_groups: { R1: {} } } }, {}, /transform_config/],
    [{ sparsity_config: { format: "sparse-24-bitmask" } }, {}, /sparsity_config\.format is "sparse-24-bitmask"/],
    [{}, { type: "float", num_bits: 8 }, /weights\.type is "float"; supported: int/],
    [{}, { strategy: "block", block_structure: [128, 128] }, /strategy is "block"/],
    [{ format: "marlin-24" }, {}, /format is "marlin-24"/],
  ])("refused: %j %j", async (more, weights, message) => {
    const quantization = config({ group_0: group({ num_bits: 4, group_size: 32, ...weights }) }, more);
    await expect(findIn(safetensorsFile([]), quantization)).rejects.toThrow(message);
  });

  test("columns in activation order are refused", async () => {
    const shuffled = order(columns, 32).toReversed();
    const tensors = [
      words(`${M}.weight_packed`, [rows, columns / 8]),
      numbers(`${M}.weight_scale`, [rows, columns / 32]),
      whole(`${M}.weight_g_idx`, shuffled, "I32"),
    ];
    const quantization = config({ group_0: group({ num_bits: 4, group_size: 32 }) });
    await expect(expectValues(tensors, quantization, (raw) => compressedValues(raw, M, 4, 32))).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringMatching(/weight_g_idx" puts column 0 into group 7/),
    });
  });
});
