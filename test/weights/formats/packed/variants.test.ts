/** Variants of published files that the golden checkpoints do not have, on random bytes: any bits are some matrix. */
import { describe, expect, test } from "vitest";
import { isPackedEncoding } from "../../../../src/weights/formats/encoding.ts";
import {
  awqValues,
  compressedValues,
  gptqValues,
  mlxValues,
  type RawTensors,
  rawTensors,
  type Values,
} from "../../../reference/packed-formats.ts";
import { decoded, decodeRows, findIn } from "../../../support/packed-tensors.ts";
import { Random } from "../../../support/random.ts";
import { patternBytes, safetensorsFile, type TensorSpec } from "../../safetensors-file.ts";

const M = "model.layers.0.mlp.up_proj";

const words = (name: string, shape: number[], dtype = "I32"): TensorSpec => {
  const bytes = dtype === "I8" ? 1 : 4;
  return { name, dtype, shape, bytes: patternBytes(bytes * shape.reduce((a, b) => a * b, 1), name.length + shape[0]!) };
};
const whole = (name: string, values: readonly number[], dtype: "I32" | "I64", shape = [values.length]): TensorSpec => {
  const bytes = dtype === "I64" ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
  return { name, dtype, shape, bytes: new Uint8Array(bytes.buffer) };
};
const numbers = (name: string, shape: number[], dtype: "F32" | "F16" | "BF16" = "F16"): TensorSpec => {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = new Random(count + name.length).floats(count, 0.02);
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  // An F16 of any 12 lowest bits and the exponent of 2^-6.
  const bytes =
    dtype === "F32"
      ? new Uint8Array(bits.buffer)
      : new Uint8Array(
          Uint16Array.from(bits, (word) => (dtype === "BF16" ? word >>> 16 : 0x2400 | (word & 0x83ff))).buffer,
        );
  return { name, dtype, shape, bytes };
};
const order = (columns: number, group: number) => Array.from({ length: columns }, (_, c) => Math.floor(c / group));

async function expectValues(
  tensors: TensorSpec[],
  config: object,
  reference: (raw: RawTensors) => Values,
  beside?: Record<string, unknown>,
) {
  const file = safetensorsFile(tensors);
  const found = await findIn(file, config, beside);
  const [tensor, ...others] = decoded(found);
  expect(others).toEqual([]);
  const { rows, columns, at } = reference(rawTensors(file));
  expect(tensor).toMatchObject({ name: `${M}.weight`, shape: [rows, columns] });
  const values = [
    ...Array.from(decodeRows(file, tensor!, 0, 8)),
    ...Array.from(decodeRows(file, tensor!, 8, rows - 8)),
  ];
  // The bias of a packed row may be rounded to f32 once.
  const wrong = values.findIndex((value, i) => {
    const wanted = at(Math.floor(i / columns), i % columns);
    return Math.abs(value - wanted) > 1e-7 * Math.max(1, Math.abs(wanted));
  });
  expect(wrong).toBe(-1);
  return { ...found, tensor: tensor! };
}

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
    await expect(expectValues(tensors, quantization, (raw) => compressedValues(raw, M, 4, 32))).rejects.toThrow(
      /weight_g_idx" puts column 0 into group 7/,
    );
  });
});

describe("AWQ", () => {
  test.each([
    [{ quant_method: "awq", w_bit: 4, q_group_size: 64, version: "GEMM", zero_point: true }, 64],
    [{ quant_method: "awq", bits: 4, group_size: -1, modules_to_not_convert: ["visual"] }, 256],
    [{ quant_method: "auto-round", packing_format: "auto_round:auto_awq", bits: 4, group_size: 32 }, 32],
  ])("%j", async (quantization_config, group) => {
    const tensors = [
      words(`${M}.qweight`, [256, 3]),
      words(`${M}.qzeros`, [256 / group, 3]),
      numbers(`${M}.scales`, [256 / group, 24]),
    ];
    await expectValues(tensors, { quantization_config }, (raw) => awqValues(raw, M, group));
  });

  test.each([
    [{ version: "gemv" }, /version is "gemv"; supported: gemm/],
    [{ bits: 3 }, /bits is 3; supported: 4/],
    [{ backend: "llm-awq" }, /backend is "llm-awq"/],
  ])("refused: %j", async (fields, message) => {
    const config = { quantization_config: { quant_method: "awq", ...fields } };
    await expect(findIn(safetensorsFile([]), config)).rejects.toThrow(message);
  });

  test("described by an older tool's file", async () => {
    const tensors = [words(`${M}.qweight`, [256, 3]), words(`${M}.qzeros`, [4, 3]), numbers(`${M}.scales`, [4, 24])];
    const beside = { "quant_config.json": { zero_point: true, q_group_size: 64, w_bit: 4, version: "GEMM" } };
    await expectValues(tensors, {}, (raw) => awqValues(raw, M, 64), beside);
    await expect(findIn(safetensorsFile(tensors), {})).rejects.toThrow(/qweight" is packed, but config\.json has no/);
  });
});

describe("GPTQ", () => {
  const matrix = (bits: 4 | 8, rows: number, columns: number, group: number): TensorSpec[] => {
    const groups = Math.ceil(columns / group);
    return [
      words(`${M}.qweight`, [(columns * bits) / 32, rows]),
      words(`${M}.qzeros`, [groups, (rows * bits) / 32]),
      numbers(`${M}.scales`, [groups, rows]),
      whole(`${M}.g_idx`, order(columns, group), "I32"),
    ];
  };

  test.each<[object, 4 | 8, number, 0 | 1]>([
    [{ bits: 4, group_size: 64, desc_act: false, sym: false }, 4, 64, 1],
    [{ bits: 8, group_size: 32, desc_act: false, checkpoint_format: "gptq_v2" }, 8, 32, 0],
    [{ bits: 8, group_size: 128, checkpoint_format: "gptq", pack_dtype: "int32" }, 8, 128, 1],
    [{ bits: 4, group_size: -1, desc_act: true }, 4, 256, 1],
    [
      { bits: 2, group_size: 32, dynamic: { "-:.*down": {}, "+:.*\\.mlp\\..*": { bits: 8, group_size: 64 } } },
      8,
      64,
      1,
    ],
    // A start of the name is enough in `dynamic`; `extra_config` may have the name in another tool's form.
    [{ bits: 4, group_size: 32, dynamic: { "+:model.layers.0": { bits: 8, group_size: 64 } } }, 8, 64, 1],
    [
      {
        ...{ bits: 4, group_size: 32, quant_method: "auto-round", packing_format: "auto_round:auto_gptq" },
        extra_config: { "model.language_model.layers.0.mlp.up_proj": { bits: 8, group_size: 64 } },
      },
      8,
      64,
      1,
    ],
  ])("%j", async (fields, bits, group, zeroOffset) => {
    const base = (fields as { bits: number }).bits === 2 ? { ...fields, bits: 4 } : fields;
    const config = { quantization_config: { quant_method: "gptq", ...base } };
    await expectValues(matrix(bits, 24, 256, group), config, (raw) => gptqValues(raw, M, bits, zeroOffset));
  });

  test("a shorter last group", async () => {
    const config = { quantization_config: { quant_method: "gptq", bits: 4, group_size: 64, desc_act: false } };
    await expectValues(matrix(4, 16, 96, 64), config, (raw) => gptqValues(raw, M, 4, 1));
  });

  test.each([
    { format: "gptq", stored: 7 },
    { format: "gptq_v2", stored: 8 },
  ])("symmetric files stay without biases: $format", async ({ format, stored }) => {
    const [values, , scales, order] = matrix(4, 16, 128, 32) as [TensorSpec, TensorSpec, TensorSpec, TensorSpec];
    const bytes = new Uint8Array(4 * 2 * 4).fill(stored | (stored << 4));
    const zeros = { name: `${M}.qzeros`, dtype: "I32", shape: [4, 2], bytes };
    const fields = { bits: 4, group_size: 32, desc_act: false, sym: true, checkpoint_format: format };
    const config = { quantization_config: { quant_method: "gptq", ...fields } };
    const bias = { ...numbers(`${M}.bias`, [16]) };
    const { tensor, tensors } = await expectValues([values, zeros, scales, order, bias], config, (raw) =>
      gptqValues(raw, M, 4, format === "gptq" ? 1 : 0),
    );
    expect(isPackedEncoding(tensor.encoding) && tensor.encoding.layout.bias).toBe("none");
    expect(tensors.has(`${M}.bias`)).toBe(false);
    const other = { ...config.quantization_config, checkpoint_format: format === "gptq" ? "gptq_v2" : "gptq" };
    await expect(
      expectValues([values, zeros, scales, order], { quantization_config: other }, (raw) => gptqValues(raw, M, 4, 1)),
    ).rejects.toThrow(/zero point \d+ in row 0, but the config says sym: true/);
  });

  test("AutoRound, and the file of older tools", async () => {
    const fields = { bits: 4, group_size: 64, sym: false };
    const autoRound = {
      quant_method: "auto-round",
      packing_format: "auto_round:auto_gptq",
      data_type: "int",
      ...fields,
    };
    await expectValues(matrix(4, 16, 128, 64), { quantization_config: autoRound }, (raw) => gptqValues(raw, M, 4, 1));
    const beside = { "quantize_config.json": { ...fields, desc_act: false, model_file_base_name: "model" } };
    await expectValues(matrix(4, 16, 128, 64), {}, (raw) => gptqValues(raw, M, 4, 1), beside);
  });

  test.each([
    [{ checkpoint_format: "marlin" }, /checkpoint_format is "marlin"; supported: gptq, gptq_v2/],
    [{ is_marlin_format: true }, /is_marlin_format is true/],
    [{ bits: 3 }, /bits is 3; supported: 4, 8/],
    [{ pack_dtype: "int16" }, /pack_dtype is "int16"; supported: int32/],
    [{ dynamic: { "+:(a)\\1": { bits: 8 } } }, /dynamic.*without backreferences/],
  ])("refused: %j", async (fields, message) => {
    const config = { quantization_config: { quant_method: "gptq", ...fields } };
    await expect(findIn(safetensorsFile(matrix(4, 16, 128, 64)), config)).rejects.toThrow(message);
  });
});
