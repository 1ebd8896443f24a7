/**
 * Gated cross-attention in shapes that its golden checkpoint has not, from the golden's own tensors: test/variants/README.md.
 */
import { describe, expect, test } from "vitest";
import type { ModelFiles } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { parseSafetensorsHeader } from "../../src/weights/safetensors.ts";
import { expectNmse } from "../support/compare.ts";
import { goldenFiles, loadFamily } from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";
import { describeShared, needing } from "../support/shared.ts";
import { NMSE_MODEL } from "../support/tolerances.ts";
import expected from "../variants/gated.json" with { type: "json" };
import { safetensorsFile, type TensorSpec } from "../weights/safetensors-file.ts";

const FOLDER = "idefics";
const GATED = "model.gated_cross_attn_layers.";
const END_ROW = 66;
const END_ID = 2;
type Config = Record<string, unknown> & { hidden_size: number; perceiver_config: object };

interface Variant {
  fields(config: Config): Record<string, unknown>;
  tensors(tensors: readonly TensorSpec[], config: Config): readonly TensorSpec[];
}

const lacking = (tensors: readonly TensorSpec[], ...parts: string[]) =>
  tensors.filter(({ name }) => !parts.some((part) => name.includes(part)));

const VARIANTS: Record<keyof typeof expected.variants, Variant> = {
  "no norms": {
    fields: ({ perceiver_config }) => ({
      ...{ qk_layer_norms: false, tie_word_embeddings: true },
      perceiver_config: { ...perceiver_config, qk_layer_norms_perceiver: false },
    }),
    tensors: (tensors) => lacking(tensors, "q_layer_norm", "k_layer_norm", "lm_head."),
  },
  "no resampler": {
    fields: () => ({ use_resampler: false, cross_layer_interval: 1 }),
    tensors: (tensors) => {
      const kept = lacking(tensors, "perceiver_resampler");
      const copies = kept.flatMap((tensor) => {
        const layer = /^model\.gated_cross_attn_layers\.([01])\./.exec(tensor.name)?.[1];
        if (layer === undefined) return [];
        return { ...tensor, name: tensor.name.replace(`${GATED}${layer}.`, `${GATED}${Number(layer) + 2}.`) };
      });
      return [...kept, ...copies];
    },
  },
  "vector gates": {
    fields: () => ({ alpha_type: "vector", cross_layer_interval: 4 }),
    tensors: (tensors, { hidden_size: width }) => {
      const values = Float32Array.from({ length: width }, (_, i) => 2 * (i / width - 0.5));
      const gates = ["alpha_cross_attn", "alpha_dense"].map((name) => ({
        ...{ name: `${GATED}0.${name}`, dtype: "F32", shape: [1, 1, width] },
        bytes: new Uint8Array(values.buffer),
      }));
      return [...lacking(tensors, `${GATED}1.`, "alpha_"), ...gates];
    },
  },
  "an end token": { fields: () => ({}), tensors: (tensors) => tensors },
};

/** The golden checkpoint in another shape. */
async function filesOf({ fields, tensors }: Variant): Promise<ModelFiles> {
  let config: Config | undefined;
  const files = (await goldenFiles(FOLDER, (own) => {
    config = own as Config;
    return { ...own, ...fields(config) };
  })) as Record<string, Uint8Array>;
  const file = files["model.safetensors"]!;
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = parseSafetensorsHeader(file.subarray(8, start), "model.safetensors", file.byteLength);
  const own = [...header.tensors].map(
    ([name, { dtype, shape, start: begin, end }]): TensorSpec => ({
      ...{ name, dtype, shape: [...shape] },
      bytes: file.subarray(begin, end),
    }),
  );
  return { ...files, "model.safetensors": safetensorsFile(tensors(own, config!)) } as ModelFiles;
}

describeShared(needing("golden/families/idefics", "gated cross-attention in other shapes"), () => {
  const { device } = useDevice();

  describe.for(Object.keys(VARIANTS) as (keyof typeof VARIANTS)[])("%s", (name) => {
    test("is what transformers makes of it", async () => {
      const golden = await loadFamily(FOLDER);
      const fovea = await Fovea.load(await filesOf(VARIANTS[name]), {
        weights: "f32",
        precision: "f32",
        device: device(),
      });
      const inputIds = [...golden.prompts.find((prompt) => prompt.name === "two")!.ids];
      if (name === "an end token") inputIds[END_ROW] = END_ID;
      const { data, shape } = golden.expected.get("two.pixels")!;
      const [count, ...sides] = shape as [number, 3, number, number];
      const size = data.length / count;
      const pixelValues = Array.from({ length: count }, (_, i) => ({
        data: Float32Array.from(Array.from(data).slice(i * size, (i + 1) * size)),
        shape: sides,
      }));
      const { greedy, logits } = await fovea.inspect({ inputIds, pixelValues, greedySteps: 3 });
      const variant = expected.variants[name];
      const found = expected.rows.flatMap((row) =>
        expected.columns.map((column) => logits.data[row * logits.cols + column]!),
      );
      expectNmse(name, found, variant.logits.flat(), NMSE_MODEL);
      expect(greedy).toEqual(variant.greedy);
      fovea.dispose();
    });
  });
});
