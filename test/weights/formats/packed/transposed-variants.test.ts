/** AWQ and GPTQ: variants of published files that the golden checkpoints do not have. */
import { describe, expect, test } from "vitest";
import { isPackedEncoding } from "../../../../src/weights/formats/encoding.ts";
import { awqValues, gptqValues } from "../../../reference/packed-formats.ts";
import { findIn } from "../../../support/packed-tensors.ts";
import { safetensorsFile, type TensorSpec } from "../../safetensors-file.ts";
import { expectValues, MODULE as M, numbers, order, whole, words } from "./matrix-files.ts";

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
