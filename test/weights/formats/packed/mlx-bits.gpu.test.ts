/** A language model in MLX's packing of 5 and 6 bits: its logits, and that it takes no more memory than its bits. */
import { expect, test } from "vitest";
import type { ModelFiles } from "../../../../src/api.ts";
import { Fovea } from "../../../../src/engine/fovea.ts";
import { mlxValues, numberAt, rawTensors } from "../../../reference/packed-formats.ts";
import { nmse } from "../../../support/compare.ts";
import { useDevice } from "../../../support/gpu.ts";
import { languageFiles } from "../../../support/random-models.ts";
import { NMSE_PACKED_MODEL } from "../../../support/tolerances.ts";
import { safetensorsFile, type TensorSpec } from "../../safetensors-file.ts";

const { device } = useDevice();
const GROUP = 32;
const INPUT = [1, 5, 300, 301, 450, 270, 511];

/** A matrix as MLX rounds it: scale and bias of each group as BF16, integers without gaps. */
function pack(name: string, [rows, columns]: [number, number], values: Float32Array, bits: number): TensorSpec[] {
  const groups = (rows * columns) / GROUP;
  const numbers = [new Uint16Array(groups), new Uint16Array(groups)];
  const bf16 = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
  const integers = new Uint8Array((rows * columns * bits) / 8);
  for (let group = 0; group < groups; group++) {
    const own = values.subarray(group * GROUP, (group + 1) * GROUP);
    const [least, most] = [Math.min(...own), Math.max(...own)];
    const scale = (most - least) / (2 ** bits - 1);
    for (const [i, value] of [scale, least].entries()) numbers[i]![group] = bf16(value);
    for (const [i, value] of own.entries()) {
      const at = (group * GROUP + i) * bits;
      const q = Math.round((value - least) / scale);
      for (let bit = 0; bit < bits; bit++) integers[(at + bit) >> 3]! |= ((q >> bit) & 1) << ((at + bit) & 7);
    }
  }
  const module = name.replace(/\.weight$/, "");
  const plane = (part: string, values: Uint16Array) => ({
    ...{ name: `${module}.${part}`, dtype: "BF16", shape: [rows, columns / GROUP] },
    bytes: new Uint8Array(values.buffer),
  });
  const weight = { name, dtype: "U32", shape: [rows, (columns * bits) / 32], bytes: integers };
  return [weight, plane("scales", numbers[0]!), plane("biases", numbers[1]!)];
}

/** A model packed so, and the same values as plain f32. */
function packedAndPlain(bits: number): [packed: ModelFiles, plain: ModelFiles] {
  const files = languageFiles();
  const packed: TensorSpec[] = [];
  const plain: TensorSpec[] = [];
  for (const [name, tensor] of rawTensors(files["model.safetensors"]!)) {
    const shape = [...tensor.shape];
    if (shape.length !== 2 || shape[1]! % GROUP !== 0) {
      for (const list of [packed, plain]) list.push({ ...tensor, name, shape });
      continue;
    }
    const [rows, columns] = shape as [number, number];
    const values = Float32Array.from({ length: rows * columns }, (_, i) => numberAt(tensor, i));
    const tensors = pack(name, [rows, columns], values, bits);
    packed.push(...tensors);
    const { at } = mlxValues(
      new Map(tensors.map((own) => [own.name, own])),
      name.replace(/\.weight$/, ""),
      bits,
      GROUP,
    );
    const exact = Float32Array.from(values, (_, i) => at(Math.floor(i / columns), i % columns));
    plain.push({ ...tensor, name, shape, bytes: new Uint8Array(exact.buffer) });
  }
  const config = JSON.parse(new TextDecoder().decode(files["config.json"]));
  const quantized = new TextEncoder().encode(JSON.stringify({ ...config, quantization: { bits, group_size: GROUP } }));
  return [
    { ...files, "config.json": quantized, "model.safetensors": safetensorsFile(packed) },
    { ...files, "model.safetensors": safetensorsFile(plain) },
  ];
}

test.for([5, 6])("%i bits", async (bits) => {
  const [packed, plain] = packedAndPlain(bits);
  const run = async (files: ModelFiles) => {
    const fovea = await Fovea.load(files, { device: device() });
    try {
      const { logits, greedyLogits } = await fovea.inspect({ inputIds: INPUT, greedySteps: 6 });
      return { info: fovea.info, logits: logits.data, greedyLogits: greedyLogits.data };
    } finally {
      fovea.dispose();
    }
  };
  const wanted = await run(plain);
  const found = await run(packed);
  expect(found.info.weights).toBe(`affine int${bits} g${GROUP}`);
  expect(nmse(found.logits, wanted.logits)).toBeLessThan(NMSE_PACKED_MODEL);
  expect(nmse(found.greedyLogits, wanted.greedyLogits)).toBeLessThan(NMSE_PACKED_MODEL);
  // Integers, an f16 scale and an f16 bias for each group; matrices of 172 columns and norms are f32.
  const count = (name: RegExp) =>
    [...rawTensors(languageFiles()["model.safetensors"]!)]
      .filter(([own, { shape }]) => name.test(own) && shape.length === 2)
      .reduce((sum, [, { bytes }]) => sum + bytes.length / 4, 0);
  const rest = 4 * (count(/down_proj/) + 11 * 64);
  const bytes = (count(/./) - count(/down_proj/)) * (bits / 8 + 4 / GROUP) + rest;
  expect(found.info.weightBytes).toBeGreaterThanOrEqual(bytes);
  expect(found.info.weightBytes).toBeLessThan(bytes * 1.01);
});
