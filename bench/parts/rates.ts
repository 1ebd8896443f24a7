/**
 * Rates in the unit that limits the work, and their share of a plain copy or a plain matmul in the same rounds on the
 * same adapter.
 */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { type BatchOptions, median, type Recording, timeRecordings } from "./measure.ts";
import { randomValues } from "./models.ts";
import { PLAIN_PRODUCTS, plainCopy } from "./plain.ts";
import type { Figure } from "./result.ts";

/** Work, and its minimum of bytes read and written, or of multiplications and additions. */
export interface Candidate {
  id: string;
  what: string;
  record: Recording;
  bytes?: number;
  flops?: number;
  /** True for a plain kernel, the reference of the others. */
  isPlain?: boolean;
  /** Multiplies in f16. Work in f32 is compared with plain f32 kernels only. */
  f16?: boolean;
  /** True if its time is a figure of its own. */
  timed?: boolean;
}

/**
 * Rates of all candidates, and the share of the best plain rate for those that are not plain.
 *
 * @param candidates all with `bytes` or all with `flops`
 */
export async function measureRates(
  gpu: Gpu,
  candidates: readonly Candidate[],
  options: BatchOptions,
): Promise<Figure[]> {
  const recordings = candidates.map(({ record }) => record);
  const times = await timeRecordings(gpu, recordings, options);
  const rates = times.map((each, i) => each.map((ms) => (candidates[i]!.bytes ?? candidates[i]!.flops!) / ms / 1e6));
  /** The best plain rate of a round. */
  const best = (round: number, f16: boolean) =>
    Math.max(...rates.map((each, i) => (isYardstick(candidates[i]!, f16) ? each[round]! : 0)));
  return candidates.flatMap(({ id, what, bytes, isPlain, timed, f16 = false }, i): Figure[] => {
    const unit = bytes === undefined ? "GFLOP/s" : "GB/s";
    const share = 100 * median(rates[i]!.map((rate, round) => rate / best(round, f16)));
    const yardstick = bytes === undefined ? `the best plain ${f16 ? "f16 " : ""}matmul` : "a plain copy";
    return [
      ...(timed ? [{ id: `${id}.ms`, what, value: median(times[i]!), unit: "ms" }] : []),
      { id, what, value: median(rates[i]!), unit },
      ...(isPlain ? [] : [{ id: `${id}.share`, what: `${what}, of ${yardstick}`, value: share, unit: "%" }]),
    ];
  });
}

function isYardstick({ isPlain = false, f16 = false }: Candidate, forF16: boolean): boolean {
  return isPlain && (forF16 || !f16);
}

/** True if the engine multiplies packed weights in f16 on this device. */
export function usesF16({ capabilities }: Gpu): boolean {
  return capabilities.f16 !== "none" && capabilities.fastest.matmul === "f16 tiles";
}

/** A tensor of random values. */
export function noise(gpu: Gpu, arena: Arena, shape: readonly number[]): Tensor {
  const tensor = arena.tensor("noise", shape);
  const count = shape.reduce((a, b) => a * b, 1);
  gpu.upload(tensor, randomValues("noise", count));
  return tensor;
}

/** A plain copy of `elements` f32 values. */
export function plainCopyOf(arena: Arena, elements: number): Candidate {
  const [x, y] = [arena.tensor("copied", [elements]), arena.tensor("copy", [elements])];
  const what = `a plain copy of ${(elements * 4) / 2 ** 20} MiB`;
  return {
    ...{ id: "plain-copy", what, bytes: 8 * elements, isPlain: true },
    record: (recorder) => plainCopy(recorder, x, y),
  };
}

/** Plain matmuls of one shape; in f16 too where the engine may use it. */
export function plainProductsOf(
  gpu: Gpu,
  arena: Arena,
  { rows, cols, inner }: { rows: number; cols: number; inner: number },
): Candidate[] {
  const [x, weight] = [noise(gpu, arena, [rows, inner]), noise(gpu, arena, [cols, inner])];
  const y = arena.tensor("product", [rows, cols]);
  const kinds = PLAIN_PRODUCTS.filter(({ f16 }) => !f16 || gpu.capabilities.f16 !== "none");
  return kinds.map(({ name, f16, record }) => ({
    id: `plain-product-${name.replaceAll(/\W+/g, "-")}`,
    what: `a plain matmul, ${name}, [${rows}, ${inner}] times [${cols}, ${inner}]`,
    ...{ flops: 2 * rows * cols * inner, isPlain: true, f16 },
    record: (recorder) => record(recorder, { x, weight, y }),
  }));
}
