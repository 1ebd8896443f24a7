import { describe, expect, test } from "vitest";
import { readTensor } from "../../src/gpu/readback.ts";
import { diverse } from "../../src/kernels/diverse.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import { diverse as reference } from "../reference/diverse.ts";
import {
  DEVICE_KINDS,
  freshRandom,
  inputTensor,
  outputTensor,
  runAndRead,
  useGpu,
  withCapabilities,
} from "../support/gpu.ts";
import { type Disturb, hasMargin } from "../support/margin.ts";
import { joinViews, makeViews } from "../support/views.ts";

describe("diverse", () => {
  const { gpu } = useGpu();

  /** Kept rows of each view in order of choice, by every variant; the order is checked against it. */
  async function check(views: readonly ArrayLike<number>[], width: number, kept: number, first = 0): Promise<void> {
    const rows = views[0]!.length / width;
    const expected = views.map((view) => reference(view, width, kept));
    // The rows before the cells are zeros, which lie farther from the others than those from each other.
    const all = joinViews(views.flatMap((view) => [new Float64Array(first * width), view]));
    const x = inputTensor(gpu(), [views.length, first + rows, width], all);
    for (const kind of DEVICE_KINDS) {
      const products = outputTensor(gpu(), [views.length, first + rows, first + rows]);
      const nearest = outputTensor(gpu(), [views.length, rows]);
      const chosen = outputTensor(gpu(), [views.length, kept], "u32");
      const order = outputTensor(gpu(), [views.length, rows], "u32");
      const record = withCapabilities(kind, (recorder) => {
        matmul(recorder, { x, weight: x, y: products });
        diverse(recorder, { products, nearest, chosen, order, first });
      });
      expect([...(await runAndRead(gpu(), chosen, record))]).toEqual(expected.flatMap((view) => view.chosen));
      const expectedOrder = expected.flatMap((view) => {
        const rest = Array.from({ length: rows }, (_, i) => i).filter((i) => !view.kept.includes(i));
        return [...view.kept, ...rest];
      });
      expect([...(await readTensor(gpu(), order))]).toEqual(expectedOrder);
    }
  }

  test.for([
    { views: 1, rows: 1, width: 5, kept: 1, first: 1 },
    { views: 2, rows: 2, width: 3, kept: 1, first: 0 },
    { views: 5, rows: 9, width: 4, kept: 9, first: 1 },
    { views: 2, rows: 70, width: 33, kept: 20, first: 1 },
    { views: 1, rows: 300, width: 64, kept: 77, first: 0 },
  ])("$kept of $rows rows of $width after $first, $views views", async ({ views, rows, width, kept, first }) => {
    const random = freshRandom("diverse");
    // Components are small integers, so that products are exact and equal distances are equal to the last bits.
    const viewWithMargin = (): Float32Array => {
      const x = Float32Array.from({ length: rows * width }, () => random.integer(-4, 4));
      const choicesOf = (disturb: Disturb) => reference(x, width, kept, disturb).chosen;
      return hasMargin(random, choicesOf) ? x : viewWithMargin();
    };
    await check(makeViews(views, viewWithMargin), width, kept, first);
  });

  test("duplicates, rows of zeros and lengths of all sizes", async () => {
    const rows = [1, 0, 0, 0, 3, 0, 0, 1e-12, 0, 0, -1e12, 1e12, 5, 5];
    await check([rows, [...rows].reverse()], 2, 7);
  });

  test("distances within a millionth count as equal: the lowest index", async () => {
    // Row 2 is farther than row 1 from the first choice, row 0: by 5e-7 in the first view, by 4e-6 in the second.
    const rows = (angle: number) => [1, 0, angle, 1, 0, 1, -1, 0, -1, 0];
    await check([rows(5e-7), rows(4e-6)], 2, 3);
  });
});
