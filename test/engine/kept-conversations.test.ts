/** Copies of earlier conversations: their budget holds, also beside one that must stay. */
import { expect, test } from "vitest";
import type { CachedRows } from "../../src/engine/cached-rows.ts";
import { KeptConversations, type KeptRows } from "../../src/engine/kept-conversations.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { KvCache } from "../../src/model/decoder/kv-cache.ts";
import type { PromptRows } from "../../src/model/decoder/prompt-rows.ts";

test("nothing is kept that has no room beside the spared conversation", async () => {
  const tensor = (_: string, shape: number[]) => ({ shape, type: "f32" });
  const gpu = {
    arena: { scope: () => ({ tensor, dispose() {} }) },
    guardMemory: async (_: string, work: () => unknown) => work(),
    submit() {},
  } as unknown as Gpu;
  const prompt = { pictures: [], visible: Uint32Array.of(0, 1, 0, 2, 0, 3) } as unknown as PromptRows;
  const rowsOf = (id: number): CachedRows => ({ ids: [id, id, id], places: [1, 1, 1], stride: 1, runs: [], plan: "" });
  const conversation = (id: number): KeptRows => ({
    rows: rowsOf(id),
    marks: { length: 3, reusable: (rows: number) => rows } as never,
    layers: [{ shape: [4], type: "f32" } as unknown as Tensor], // 16 bytes
    paid: [],
  });
  const kept = new KeptConversations(gpu, {} as KvCache);
  const isKept = (id: number) => kept.best(rowsOf(id), prompt) !== undefined;
  kept.budget = 31;
  await kept.keep(conversation(1));
  const spared = kept.best(rowsOf(1), prompt)!.kept;
  await kept.keep(conversation(2), spared);
  expect([isKept(1), isKept(2)]).toEqual([true, false]);
  await kept.keep(conversation(2));
  expect([isKept(1), isKept(2)]).toEqual([false, true]);
  kept.budget = 32;
  await kept.keep(conversation(3));
  expect([isKept(2), isKept(3)]).toEqual([true, true]);
});
