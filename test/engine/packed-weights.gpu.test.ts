/** Packed weights through the public interface: what they cost in accuracy and memory, and what no half holds. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadOptions, ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { chatFiles } from "../support/chat-files.ts";
import { nmse } from "../support/compare.ts";
import { describeShared, sharedBytes, sharedUrl } from "../support/shared.ts";
import { NMSE_PACKED } from "../support/tolerances.ts";

type Packed = "f16" | "q8" | "q4";
const PACKED: readonly Packed[] = ["f16", "q8", "q4"];

// One device for all engines, so that pipelines are compiled once.
let device: GPUDevice;
beforeAll(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  device = await adapter!.requestDevice({ requiredFeatures: ["subgroups"] });
});
afterAll(() => device.destroy());

async function withModel<T>(source: string | ModelFiles, options: LoadOptions, body: (fovea: Fovea) => Promise<T>) {
  const fovea = await Fovea.load(source, { device, ...options });
  try {
    return await body(fovea);
  } finally {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  }
}

describeShared("packed weights", () => {
  test("a classifier: class, logits and bytes", async () => {
    const photo = new Blob([await sharedBytes("real/photos/chelsea.jpg")]);
    const classify = (weights: "f32" | Packed) =>
      withModel(sharedUrl("real/vit-tiny"), { weights }, async (fovea) => {
        const { classes } = await fovea.encodeImage(photo, { compression: { method: "none" } });
        const logits = classes!.toSorted((a, b) => a.id - b.id).map(({ logit }) => logit);
        expect(fovea.info.weights).toBe(weights);
        return { label: classes![0]!.label, logits, bytes: fovea.info.weightBytes };
      });
    const exact = await classify("f32");
    const shares = { f16: 0.52, q8: 0.3, q4: 0.2 };
    for (const type of PACKED) {
      const packed = await classify(type);
      expect(packed.label, type).toBe(exact.label);
      const error = nmse(packed.logits, exact.logits);
      console.log(
        `vit-tiny ${type}: NMSE of logits ${error.toExponential(1)}, ${packed.bytes / exact.bytes} of the bytes`,
      );
      expect(error, type).toBeLessThan(NMSE_PACKED[type]);
      expect(packed.bytes / exact.bytes, type).toBeLessThan(shares[type]);
    }
  });

  test("a language model: logits, and a conversation with a picture", async () => {
    const inputIds = [1, 403, 407, 261, 378, 432, 383, 286, 261];
    const inspect = (weights: "f32" | Packed) =>
      withModel(sharedUrl("real/stories260K"), { weights }, (fovea) => fovea.inspect({ inputIds, greedySteps: 8 }));
    const exact = await inspect("f32");
    for (const type of PACKED) {
      const { logits, greedyLogits } = await inspect(type);
      const error = nmse(logits.data, exact.logits.data);
      console.log(`stories260K ${type}: NMSE of logits ${error.toExponential(1)}`);
      expect(error, type).toBeLessThan(NMSE_PACKED[type]);
      // Through the kernels of decoding, one row at a time.
      expect(nmse(greedyLogits.data.subarray(0, 512), exact.greedyLogits.data.subarray(0, 512))).toBeLessThan(
        NMSE_PACKED[type] * 10,
      );
    }
  });

  test("a weight that no half holds stays f32, alone", async () => {
    const files = await chatFiles();
    const bytes = (files["model.safetensors"] as Uint8Array).slice();
    const view = new DataView(bytes.buffer);
    const start = 8 + Number(view.getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    const name = Object.keys(header).find((key) => key.endsWith("layers.0.mlp.down_proj.weight"))!;
    view.setFloat32(start + header[name].data_offsets[0], 1e6, true);
    const damaged = { ...files, "model.safetensors": bytes };
    const run = (source: ModelFiles, weights: "f32" | "f16") =>
      withModel(source, { weights }, async (fovea) => {
        const { logits } = await fovea.inspect({ inputIds: [5, 6, 7, 8], greedySteps: 2 });
        return { logits: logits.data, bytes: fovea.memory.peakGpuBytes };
      });
    const exact = await run(damaged, "f32");
    const half = await run(damaged, "f16");
    expect(nmse(half.logits, exact.logits)).toBeLessThan(NMSE_PACKED.f16);
    // The large weight matters: without it the result is another.
    expect(nmse((await run(files, "f32")).logits, exact.logits)).toBeGreaterThan(0.01);
  });
});

describe("precision", () => {
  test("halves are for devices that have them, told by the model's info", async () => {
    // The device of this file was not asked for the feature, whatever the adapter has.
    const options = { weights: "f16", precision: "f16" } as const;
    await withModel(await chatFiles(), options, async ({ info }) => expect(info.precision).toBe("f32"));
    const fovea = await Fovea.load(await chatFiles(), options);
    const adapter = await navigator.gpu.requestAdapter();
    expect(fovea.info.precision).toBe(adapter!.features.has("shader-f16") ? "f16" : "f32");
    fovea.dispose();
  });
});

describe("weights that are asked for", () => {
  test("small models stay exact by themselves", async () => {
    await withModel(await chatFiles(), {}, async ({ info }) => expect(info.weights).toBe("f32"));
  });
});
