/** The return to an answer after a device loss: a long one does not delay an abort. */
import { expect, test } from "vitest";
import { Sequence } from "../../src/generate/sequence.ts";
import type { SequenceBuffers } from "../../src/generate/sequence-buffers.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { Decoder } from "../../src/model/decoder/decoder.ts";
import type { KvCache } from "../../src/model/decoder/kv-cache.ts";

test("an abort ends it at the next wait for the GPU", async () => {
  const controller = new AbortController();
  const rows: string[] = [];
  const gpu = {
    upload() {},
    submit: (label: string) => rows.push(label),
    idle: async () => controller.abort(),
  } as unknown as Gpu;
  const tensor = { buffer: {}, byteOffset: 0, shape: [8], type: "f32" } as unknown as Tensor;
  const buffers = { positions: tensor, visible: [], choice: {}, logits: tensor } as unknown as SequenceBuffers;
  const cache = { length: 3, advance() {} } as unknown as KvCache;
  const sequence = new Sequence(gpu, { axes: 1, windows: [] } as unknown as Decoder, cache, buffers);
  const ids = Array.from({ length: 100 }, (_, i) => i);
  const replay = sequence.replay({ ids: Uint32Array.of(1, 2, 3) } as never, ids, controller.signal);
  await expect(replay).rejects.toMatchObject({ code: "aborted" });
  expect(rows).toEqual(Array(16).fill("replay"));
});
