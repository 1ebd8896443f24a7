/** Packed checkpoints as fuzz input: a small one of each packing, its config, header and values mutated, decoded whole. */
import { memorySource } from "../../src/weights/byte-source.ts";
import { isPackedEncoding, isUnpackedEncoding } from "../../src/weights/formats/encoding.ts";
import { readRows } from "../../src/weights/formats/read-rows.ts";
import { storedTensors } from "../../src/weights/formats/stored-tensors.ts";
import { readSafetensorsHeader } from "../../src/weights/safetensors.ts";
import type { Random } from "../support/random.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";

type Entries = Record<string, [dtype: string, shape: number[]]>;

const COMPRESSED = { quant_method: "compressed-tensors", format: "pack-quantized", ignore: ["lm_head"] };
const WEIGHTS = { num_bits: 4, type: "int", symmetric: false, strategy: "group", group_size: 32 };
const CASES: readonly { config: object; tensors: Entries }[] = [
  {
    config: { quantization: { group_size: 32, bits: 4, mode: "affine", b: { group_size: 32, bits: 8 } } },
    tensors: {
      "a.weight": ["U32", [8, 8]],
      "a.scales": ["F16", [8, 2]],
      "a.biases": ["F16", [8, 2]],
      "b.weight": ["U32", [8, 8]],
      "b.scales": ["BF16", [8, 1]],
      "b.biases": ["BF16", [8, 1]],
      "conv.weight": ["F32", [2, 4, 4, 3]],
    },
  },
  {
    config: {
      quantization_config: {
        ...COMPRESSED,
        config_groups: {
          group_0: { targets: ["Linear", "re:.*a$"], weights: WEIGHTS, input_activations: null },
          group_1: { targets: ["b"], weights: { ...WEIGHTS, num_bits: 8, strategy: "channel" } },
        },
      },
    },
    tensors: {
      "a.weight_packed": ["I32", [8, 8]],
      "a.weight_scale": ["F16", [8, 2]],
      "a.weight_zero_point": ["I32", [1, 2]],
      "a.weight_g_idx": ["I32", [64]],
      "b.weight": ["I8", [8, 32]],
      "b.weight_scale": ["F32", [8, 1]],
      "b.weight_shape": ["I64", [2]],
    },
  },
  {
    config: { quantization_config: { quant_method: "awq", bits: 4, group_size: 32, version: "gemm" } },
    tensors: { "a.qweight": ["I32", [64, 2]], "a.qzeros": ["I32", [2, 2]], "a.scales": ["F16", [2, 16]] },
  },
  {
    config: {
      quantization_config: {
        ...{ quant_method: "gptq", bits: 4, group_size: 32, desc_act: true, sym: false },
        dynamic: { "+:.*b": { bits: 8 }, "-:.*c": {} },
      },
    },
    tensors: {
      "a.qweight": ["I32", [8, 16]],
      "a.qzeros": ["I32", [2, 2]],
      "a.scales": ["F16", [2, 16]],
      "a.g_idx": ["I32", [64]],
      "a.bias": ["F16", [16]],
    },
  },
];

const ELEMENT_BYTES: Record<string, number> = { I8: 1, F16: 2, BF16: 2, I64: 8 };

function fileOf(tensors: Entries, random: Random): Uint8Array {
  let at = 0;
  let header: unknown = Object.fromEntries(
    Object.entries(tensors).map(([name, [dtype, shape]]) => {
      const start = at;
      at += shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype] ?? 4);
      return [name, { dtype, shape, data_offsets: [start, at] }];
    }),
  );
  if (random.uniform() < 0.4) header = mutateJson(random, header);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + at);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  return random.uniform() < 0.5 ? mutateBytes(random, file) : file;
}

/** Finds and decodes the matrices of a mutated checkpoint. */
export async function readPacked(random: Random): Promise<void> {
  const { config, tensors } = CASES[random.integer(0, CASES.length - 1)]!;
  const source = memorySource("f", fileOf(tensors, random));
  const { tensors: entries } = await readSafetensorsHeader(source);
  const changed = random.uniform() < 0.6 ? mutateJson(random, config) : config;
  const files = new Map([["f", source]]);
  const found = await storedTensors({ entries, config: changed as Record<string, unknown>, files }, {});
  for (const tensor of found.tensors.values())
    if (isPackedEncoding(tensor.encoding) || isUnpackedEncoding(tensor.encoding))
      for await (const _ of readRows({ files }, tensor, {}));
}
