/** Packed weights through the public interface: what they cost in accuracy and memory, and what no half holds. */
import { describe, expect, test } from "vitest";
import type { LoadOptions, Matrix, ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { argmax } from "../reference/model/decoder.ts";
import { runLlava } from "../reference/model/llava.ts";
import type { Weights } from "../reference/model/weights.ts";
import { roundWeights, storedScale } from "../reference/weight-pack.ts";
import { roundToF16 } from "../reference/weight-unpack.ts";
import { chatFiles } from "../support/chat-files.ts";
import { nmse } from "../support/compare.ts";
import { GOLDEN_NAMES, goldenPixels, loadGolden } from "../support/golden.ts";
import { useDevice } from "../support/gpu.ts";
import { needing, sharedBytes, sharedUrl, testShared } from "../support/shared.ts";
import { sharedDevice } from "../support/shared-devices.ts";
import { storyReferences } from "../support/stories.ts";
import { NMSE_PACKED, NMSE_SAME_PACKED, SAME_TOKEN_PACKED } from "../support/tolerances.ts";

type Packed = "f16" | "q8" | "q4";
const PACKED: readonly Packed[] = ["f16", "q8", "q4"];

const { device } = useDevice();

async function withModel<T>(source: string | ModelFiles, options: LoadOptions, body: (fovea: Fovea) => Promise<T>) {
  const fovea = await Fovea.load(source, { device: device(), ...options });
  try {
    return await body(fovea);
  } finally {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  }
}

function tell(model: string, type: Packed, error: number, same?: number): void {
  const agreeing = same === undefined ? "" : `, ${(100 * same).toFixed(1)} % of the most likely tokens the same`;
  console.log(`${model} ${type}: NMSE of logits ${error.toExponential(1)}${agreeing}`);
}

/** The weights that a packed matrix stands for; vectors, positions and rows that do not divide into groups stay. */
function round(weights: Weights, type: Packed): Weights {
  return new Map(
    [...weights].map(([name, { shape, data }]) => {
      const inner = data.length / shape[0]!;
      const isMatrix = shape.length > 1 && !/position_embedding|class_embedding/.test(name);
      if (!isMatrix || inner % 8 !== 0) return [name, { shape, data }];
      const isTable = /^(text\.embed_tokens|head|classifier)\./.test(name);
      if (type === "f16" || inner % 32 !== 0) return [name, { shape, data: data.map((value) => roundToF16(value)) }];
      return [name, { shape, data: roundWeights(data, isTable ? "q8" : type, storedScale) }];
    }),
  );
}

/** Share of rows with the same largest logit. */
function agreement(a: Matrix, b: Matrix): number {
  const largest = ({ data, cols }: Matrix, row: number) => argmax(data.subarray(row * cols, (row + 1) * cols));
  const rows = Array.from({ length: a.rows }, (_, row) => row);
  return rows.filter((row) => largest(a, row) === largest(b, row)).length / a.rows;
}

describe("packed weights", () => {
  testShared(needing("real/vit-tiny", "a classifier: class, logits and bytes"), async () => {
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
      tell("vit-tiny", type, error);
      expect(error, type).toBeLessThan(NMSE_PACKED[type]);
      expect(packed.bytes / exact.bytes, type).toBeLessThan(shares[type]);
    }
  });

  const story = "a language model: logits, and the most likely token at each place of a story";
  testShared(needing("real/stories260K", story), async () => {
    const { ids: inputIds } = (await storyReferences())[0]!;
    expect(inputIds.length).toBeGreaterThan(50);
    const inspect = (weights: "f32" | Packed) =>
      withModel(sharedUrl("real/stories260K"), { weights }, (fovea) => fovea.inspect({ inputIds, greedySteps: 8 }));
    const exact = await inspect("f32");
    for (const type of PACKED) {
      const { logits, greedyLogits } = await inspect(type);
      const error = nmse(logits.data, exact.logits.data);
      const same = agreement(logits, exact.logits);
      tell("stories260K", type, error, same);
      expect(error, type).toBeLessThan(NMSE_PACKED[type]);
      expect(same, type).toBeGreaterThanOrEqual(SAME_TOKEN_PACKED[type]);
      // Through the kernels of decoding, one row at a time.
      expect(nmse(greedyLogits.data.subarray(0, 512), exact.greedyLogits.data.subarray(0, 512))).toBeLessThan(
        NMSE_PACKED[type] * 10,
      );
    }
  });

  test.for(GOLDEN_NAMES)("pictures and words, %s: logits, against float64 with the same weights", async (name) => {
    const golden = await loadGolden(name);
    const { config, weights, expected, inputIds, pixelValues } = golden;
    const compression = { method: "none" } as const;
    const exact = expected.get("base.logits")!.data;
    for (const type of PACKED) {
      const { logits } = await withModel(sharedUrl(`golden/${name}`), { weights: type }, (fovea) =>
        fovea.inspect({ pixelValues: goldenPixels(golden), inputIds, compression }),
      );
      tell(name, type, nmse(logits.data, exact), agreement(logits, { ...logits, data: Float32Array.from(exact) }));
      const rounded = runLlava(config, round(weights, type), { pixelValues, inputIds, compression });
      expect(nmse(logits.data, rounded.logits), type).toBeLessThan(NMSE_SAME_PACKED[type]);
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
    const options = { weights: "f16", precision: "f16" } as const;
    // This device was not asked for the feature, whatever the adapter has.
    const plain = await sharedDevice("standard");
    await withModel(await chatFiles(), { ...options, device: plain }, async ({ info }) =>
      expect(info.precision).toBe("f32"),
    );
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
