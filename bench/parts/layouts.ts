/**
 * Every layout of packed weights against symmetric 4 bits, in the same rounds: times of a product of one row and of
 * many.
 */
import type { Gpu } from "../../src/gpu/device.ts";
import { type GroupedType, type Tensor, tensorByteLength } from "../../src/gpu/tensor.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import { matvec } from "../../src/kernels/matvec.ts";
import { type BatchOptions, medianRatio, type Recording, timeRecordings } from "./measure.ts";
import { groupedBytes } from "./models.ts";
import { noise } from "./rates.ts";
import type { Figure } from "./result.ts";

const SYMMETRIC: GroupedType = { bits: 4, group: 32, scales: "f16", bias: "none", origin: 0 };
/** Any curve costs the same. */
const LEVELS = { values: Array.from({ length: 16 }, (_, i) => i), curve: [7.5, 1, 0, 0, 0] };

const LAYOUTS: readonly { id: string; what: string; type: GroupedType }[] = [
  { id: "q4", what: "4 bits", type: SYMMETRIC },
  { id: "q4-bias", what: "4 bits with a bias", type: { ...SYMMETRIC, bias: "free", origin: -8 } },
  { id: "q4-g64", what: "4 bits in groups of 64", type: { ...SYMMETRIC, group: 64 } },
  { id: "q4-g64-bias", what: "the same, with a bias", type: { ...SYMMETRIC, group: 64, bias: "free", origin: -8 } },
  {
    id: "q4-nested-bias",
    what: "4 bits, nested scales and biases",
    type: { ...SYMMETRIC, scales: "nested", bias: "free", origin: -8 },
  },
  { id: "q4-f32-bias", what: "4 bits, f32 scales and biases", type: { ...SYMMETRIC, scales: "f32", bias: "free" } },
  { id: "q4-uneven", what: "4 uneven bits", type: { ...SYMMETRIC, levels: LEVELS } },
  {
    id: "q4-uneven-nested",
    what: "4 uneven bits, nested scales",
    type: { ...SYMMETRIC, scales: "nested", levels: LEVELS },
  },
  { id: "q5", what: "5 bits", type: { ...SYMMETRIC, bits: 5 } },
  {
    id: "q5-nested-bias",
    what: "5 bits, nested scales and biases",
    type: { ...SYMMETRIC, bits: 5, scales: "nested", bias: "free", origin: -16 },
  },
  {
    id: "q6-nested",
    what: "6 bits in groups of 16, nested scales",
    type: { ...SYMMETRIC, bits: 6, group: 16, scales: "nested" },
  },
  { id: "q8", what: "8 bits", type: { ...SYMMETRIC, bits: 8 } },
];

/**
 * Times relative to symmetric 4 bits, in percent, and the bytes of a weight.
 *
 * @param inner a multiple of 256 for nested scales; layouts that it does not divide are left out
 */
export async function layoutCosts(
  gpu: Gpu,
  { rows, vector, matrix }: { rows: number; vector: [number, number]; matrix: [number, number] },
  options: BatchOptions,
): Promise<Figure[]> {
  const products = [
    { name: "matvec", rows: 1, shape: vector, record: matvec },
    { name: "matmul", rows, shape: matrix, record: matmul },
  ];
  const figures: Figure[] = [];
  for (const { name, rows, shape, record } of products) {
    const arena = gpu.arena.scope();
    const [cols, inner] = shape;
    const x = noise(gpu, arena, [rows, inner]);
    const y = arena.tensor("product", [rows, cols]);
    const layouts = LAYOUTS.filter(({ type }) => inner % (type.scales === "nested" ? 256 : type.group) === 0);
    const weights = layouts.map(({ type }): Tensor => {
      const weight = arena.tensor("bench weight", shape, type);
      gpu.upload(weight, groupedBytes("weight", cols, inner, type));
      return weight;
    });
    const recordings = weights.map(
      (weight): Recording =>
        (recorder) =>
          record(recorder, { x, weight, y }),
    );
    const times = await timeRecordings(gpu, recordings, options);
    for (const [i, { id, what }] of layouts.entries()) {
      const bits = (8 * tensorByteLength(weights[i]!)) / (cols * inner);
      figures.push({
        id: `layouts.${name}.${id}`,
        what: `${rows === 1 ? "one row" : `${rows} rows`} times [${cols}, ${inner}], ${what}, ${bits.toFixed(2)} bits a weight: time over 4 bits`,
        value: 100 * medianRatio(times[i]!, times[0]!),
        unit: "%",
      });
    }
    arena.dispose();
  }
  return figures;
}
