/** How far back a sequence may go on: a convolution keeps its last rows only. */
import { expect, test } from "vitest";
import type { Arena } from "../../../src/gpu/arena.ts";
import { KvCache } from "../../../src/model/decoder/kv-cache.ts";
import type { DecoderSpec } from "../../../src/spec/model-spec.ts";

test("a convolution of three taps needs two kept rows before the next one", () => {
  const arena = { tensor: (_: string, shape: number[]) => ({ shape }) } as unknown as Arena;
  const spec = {
    width: 8,
    layers: [{ convolution: { taps: 3 } }],
    rope: { frequencies: [] },
  } as unknown as DecoderSpec;
  const cache = new KvCache(arena, spec, 4000);
  const [kept] = cache.layers[0]!.shape as [number, number];
  cache.advance(3000);
  expect(cache.reusable(3000 - kept + 2)).toBe(3000 - kept + 2);
  expect(cache.reusable(3000 - kept + 1)).toBe(0);
});
