import { describe, expect, test } from "vitest";
import type { GroupedType, PackedName } from "../../src/gpu/tensor.ts";
import { qkv } from "../../src/kernels/qkv.ts";
import { ropeTable } from "../../src/kernels/rope.ts";
import { matvec as reference } from "../reference/matvec.ts";
import { rmsNorm } from "../reference/rms-norm.ts";
import { plainFrequencies, rope } from "../reference/rope.ts";
import { splitCache } from "../support/cache.ts";
import { expectNmse } from "../support/compare.ts";
import {
  DEVICE_KINDS,
  freshRandom,
  inputTensor,
  outputTensor,
  runAndRead,
  useGpu,
  withCapabilities,
} from "../support/gpu.ts";
import { FEW_GROUPED_TYPES, groupedWeights, widthUnit } from "../support/grouped-weights.ts";
import { readCache } from "../support/halves.ts";
import { packedWeights, surroundedTensor } from "../support/linear-case.ts";
import { NMSE_PRODUCT, NMSE_STORED_AS_F16 } from "../support/tolerances.ts";

const MAX_POSITIONS = 50;

describe("qkv", () => {
  const { gpu } = useGpu();

  // [H, Hk, D, K]: one head of one pair; halves of odd length, whose pairs share a four across heads; grouped queries.
  test.for<[number, number, number, number, PackedName | GroupedType | "f32", 1 | 3, number?]>([
    ...FEW_GROUPED_TYPES.map(
      (type) =>
        [4, 2, 8, (type.scales === "nested" ? 2 : 5) * widthUnit(type), type, 1] as [
          number,
          number,
          number,
          number,
          GroupedType,
          1,
        ],
    ),
    [1, 1, 2, 1, "f32", 1],
    [3, 1, 6, 40, "f32", 1],
    [2, 2, 10, 64, "f32", 1],
    [4, 2, 8, 172, "f32", 1],
    [6, 2, 72, 301, "f32", 1],
    [3, 1, 6, 64, "f16", 1],
    [4, 2, 8, 96, "q8", 1],
    [6, 2, 32, 352, "q4", 1],
    [2, 1, 6, 40, "f32", 3],
    [4, 2, 72, 64, "q8", 3],
    // Channels of a head that turn.
    [3, 1, 10, 40, "f32", 1, 6],
    [4, 2, 16, 96, "q8", 1, 4],
    [2, 1, 24, 40, "f32", 3, 18],
  ])(
    "%i heads on %i of %i, width %i, %o, %i axes",
    async ([heads, keyHeads, headWidth, width, type, axes, turned = headWidth]) => {
      const random = freshRandom("qkv");
      const [cols, cacheRow, eps] = [(heads + 2 * keyHeads) * headWidth, 3, 1e-5];
      const frequencies = plainFrequencies(turned, 10000);
      // A decoder with one axis, or with three, whose axes follow no order.
      const axisOfPair =
        axes === 1 ? undefined : Array.from({ length: turned / 2 }, (_, pair) => (pair * 2 + (pair >> 2) + 2) % 3);
      const positions = Array.from({ length: axes }, () => random.integer(1, MAX_POSITIONS - 1));
      const row = random.floats(width, 3);
      const [norm, bias] = [random.floats(width), random.floats(cols)];
      const rows = random.floats(cols * width, 2 / Math.sqrt(width));
      const weights =
        typeof type === "object"
          ? groupedWeights(gpu(), random, type, [cols, width])
          : type === "f32"
            ? { tensor: surroundedTensor(gpu(), [cols, width], rows), values: rows }
            : await packedWeights(gpu(), [cols, width], rows, type);
      const x = surroundedTensor(gpu(), [1, width], row);
      const shared = {
        ...{ x, weight: weights.tensor, cacheRow, heads, keyHeads, headWidth },
        positions: inputTensor(gpu(), [axes, 1], positions, "u32"),
        axisOfPair,
      };
      const tableOf = (growthOf?: (position: number) => number) => {
        const values = ropeTable(MAX_POSITIONS, () => frequencies, 1, growthOf);
        return inputTensor(gpu(), [MAX_POSITIONS, values.length / MAX_POSITIONS], values);
      };
      // The second time, queries grow with their position.
      const growthOf = (position: number) => 1 + 0.2 * Math.log1p(Math.floor(position / 10));
      const [queries, keyWidth] = [heads * headWidth, keyHeads * headWidth];
      const turn = (part: Float64Array) => rope(part, positions, frequencies, { axisOfPair, headWidth });
      for (const isNormed of [false, true]) {
        const input = isNormed ? rmsNorm(row, norm, eps) : row;
        const products = reference(input, weights.values, isNormed ? { bias } : {});
        const growth = isNormed ? growthOf(positions[0]!) : 1;
        const extra = isNormed
          ? {
              ...{ table: tableOf(growthOf), grows: true },
              norm: { weight: surroundedTensor(gpu(), [width], norm), eps },
              bias: surroundedTensor(gpu(), [cols], bias),
            }
          : { table: tableOf() };
        // f16 needs halves that 4 divides.
        const types = headWidth % 8 === 0 && turned % 8 === 0 ? (["f32", "f16"] as const) : (["f32"] as const);
        for (const [changes, cacheType] of DEVICE_KINDS.flatMap((kind) => types.map((one) => [kind, one] as const))) {
          const name = (what: string) => `${what} in ${cacheType}, normed ${isNormed}, ${JSON.stringify(changes)}`;
          const limit = cacheType === "f16" ? NMSE_STORED_AS_F16 : NMSE_PRODUCT;
          const q = outputTensor(gpu(), [1, queries]);
          const cache = outputTensor(gpu(), [6, 2 * keyWidth], cacheType);
          const record = withCapabilities(changes, (recorder) => qkv(recorder, { ...shared, ...extra, q, cache }));
          const turned = turn(products.subarray(0, queries)).map((value) => growth * value);
          expectNmse(name("q"), await runAndRead(gpu(), q, record), turned, NMSE_PRODUCT);
          const { written, others } = splitCache(await readCache(gpu(), cache), { cacheRow, rows: 1, keyWidth });
          const keys = turn(products.subarray(queries, queries + keyWidth));
          expectNmse(name("k"), written.keys, keys, limit);
          expectNmse(name("v"), written.values, products.subarray(queries + keyWidth), limit);
          expect(others.every(Number.isNaN), "rows of the cache that are not this call's").toBe(true);
        }
      }
    },
  );

  test("what does not fit is refused", () => {
    const tensor = (...shape: number[]) => outputTensor(gpu(), shape);
    const heads = { heads: 1, keyHeads: 1, headWidth: 4, cacheRow: 2 };
    const args = { x: tensor(1, 3), weight: tensor(12, 3), positions: tensor(1, 1), table: tensor(8, 4), ...heads };
    const target = { q: tensor(1, 4), cache: tensor(5, 8) };
    const recording = (changes: object) => () =>
      gpu().submit("test", (pass) => qkv(pass, { ...args, ...target, ...changes }));
    expect(recording({ weight: tensor(8, 3) })).toThrow("expected [12, 3]");
    expect(recording({ x: tensor(1, 4) })).toThrow("expected [1, 3]");
    expect(recording({ cacheRow: 5 })).toThrow("do not fit");
    expect(recording({ bias: tensor(4) })).toThrow("expected [12]");
  });
});
