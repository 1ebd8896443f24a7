import { describe, expect, test } from "vitest";
import { attention } from "../../src/kernels/attention.ts";
import {
  type AttentionDecodeArgs,
  attentionDecode,
  decodePartials,
  UNSPLIT_KEYS,
} from "../../src/kernels/attention-decode.ts";
import { type AttentionCase, attentionCase } from "../support/attention-case.ts";
import { expectNmse } from "../support/compare.ts";
import { outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { NMSE_LARGE_LOGITS, NMSE_PRODUCT } from "../support/tolerances.ts";

type DecodeCase = Omit<AttentionCase, "rows">;

// [S, H, Hk, D]: below, on and off the chunk of 256 keys; groups of 1 to 8 heads, of which 7 do not fill two fours.
// Each head width and group is a pipeline of its own, which takes a second; the tests below use those of this list.
const shapes: [number, number, number, number][] = [
  [1, 1, 1, 8],
  [5, 3, 1, 1],
  [255, 2, 2, 6],
  [256, 14, 2, 64],
  [257, 5, 1, 72],
  [300, 8, 1, 80],
  [515, 6, 2, 96],
  [1000, 4, 4, 128],
  [300, 4, 2, 256],
];

describe.for([true, false])("attention-decode, software %s", (software) => {
  const { gpu } = useGpu();

  const run = (args: AttentionDecodeArgs) =>
    runAndRead(
      gpu(),
      args.y,
      withCapabilities({ software }, (recorder) => attentionDecode(recorder, args)),
    );

  /** Partials full of NaN, for some more keys than there are. */
  function poisonedPartials({ keys, heads, headWidth }: DecodeCase) {
    const partials = decodePartials(gpu().arena, { maxKeys: keys + 300, heads, headWidth });
    for (const { buffer } of Object.values(partials ?? {}))
      gpu().device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(0xffffffff));
    return partials;
  }

  /** Runs the kernel on one row and compares its output with the reference. */
  async function check(shape: DecodeCase, { split = false, limit = NMSE_PRODUCT } = {}) {
    const { args, expected } = attentionCase(gpu(), { ...shape, rows: 1 });
    const y = outputTensor(gpu(), [1, shape.heads * shape.headWidth]);
    const actual = await run({ ...args, y, partials: split ? poisonedPartials(shape) : undefined });
    expectNmse("output", actual as Float32Array, expected.output, limit);
  }

  test.for(shapes)("%i keys, %i heads on %i of %i", async ([keys, heads, keyHeads, headWidth]) => {
    const shape = { keys, heads, keyHeads, headWidth };
    await check(shape);
    await check({ ...shape, inhibit: (_, s) => s % 5 < 2 });
    await check({ ...shape, inhibit: (_, s) => s < keys - 1 });
    await check({ ...shape, scale: 1, cap: 2 });
    await check({ ...shape, inhibit: () => true });
    // Fewer Parts than invocations, two fours of heads, and a broken one. Others share the reader of halves.
    if (![8, 64, 72].includes(headWidth)) return;
    await check({ ...shape, halves: true });
    await check({ ...shape, halves: true, inhibit: (_, s) => s % 5 < 2 });
  });

  test.for([
    [UNSPLIT_KEYS, 4, 1, 64],
    [UNSPLIT_KEYS + 1, 4, 1, 64],
    [1300, 6, 2, 6],
    [4096, 8, 2, 64],
  ])("split: %i keys, %i heads on %i of %i", async ([keys = 0, heads = 0, keyHeads = 0, headWidth = 0]) => {
    const shape = { keys, heads, keyHeads, headWidth };
    await check(shape, { split: true });
    // Whole splits with nothing left; then all of them.
    await check({ ...shape, inhibit: (_, s) => s > 200 && s < 900 }, { split: true });
    await check({ ...shape, inhibit: () => true }, { split: true });
    if (headWidth % 8 === 0) await check({ ...shape, halves: true }, { split: true });
  });

  /** Checks a row that sees the keys `start` to `end` only, plain and inhibited: the others are not read. */
  async function checkRange(shape: DecodeCase, [start, end]: [number, number], split = false) {
    const unread = (s: number) => s < start || s >= end;
    await check({ ...shape, visible: [start, end], unread }, { split });
    await check({ ...shape, visible: [start, end], unread, inhibit: (_, s) => s % 3 === 1 }, { split });
  }

  test.for<[number, number]>([
    [0, 1],
    [0, 300],
    [17, 18],
    [32, 64],
    [45, 290],
    [255, 257],
    [299, 300],
    [299, 5000],
    [64, 64],
    [40, 36],
    [300, 301],
  ])("a row that sees the keys %i to %i of 300", async (range) => {
    await checkRange({ keys: 300, heads: 6, keyHeads: 2, headWidth: 96 }, range);
    await checkRange({ keys: 300, heads: 1, keyHeads: 1, headWidth: 6 }, range);
  });

  test.for<[number, number]>([
    [1200, 1300],
    [700, 710],
    [250, 800],
    [0, 256],
    [512, 513],
    [900, 100],
  ])("split: a row that sees the keys %i to %i of 1300", async (range) => {
    await checkRange({ keys: 1300, heads: 4, keyHeads: 1, headWidth: 64 }, range, true);
  });

  test("logits of hundreds neither overflow nor lose the small ones", async () => {
    await check({ keys: 600, heads: 4, keyHeads: 1, headWidth: 64, scale: 20 }, { limit: NMSE_LARGE_LOGITS });
  });

  test("equals the kernel of many rows", async () => {
    const shape = { rows: 1, keys: 400, heads: 14, keyHeads: 2, headWidth: 64 };
    const { args } = attentionCase(gpu(), { ...shape, inhibit: (_, s) => s % 3 === 0 });
    const y = outputTensor(gpu(), [1, 14 * 64]);
    const one = await run({ ...args, y });
    const body = withCapabilities({ software }, (recorder) => attention(recorder, { ...args, y }));
    expectNmse("output", one, await runAndRead(gpu(), y, body), 1e-12);
  });

  test("gives the same bits each time, split or not", async () => {
    for (const [keys, split] of [
      [700, false],
      [2000, true],
    ] as const) {
      const shape = { rows: 1, keys, heads: 4, keyHeads: 1, headWidth: 64 };
      const { args } = attentionCase(gpu(), shape);
      const partials = split ? poisonedPartials(shape) : undefined;
      const y = outputTensor(gpu(), [1, 256]);
      const first = await run({ ...args, y, partials });
      expect(await run({ ...args, y, partials })).toEqual(first);
    }
  });
});
