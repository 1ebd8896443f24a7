import { describe, expect, test } from "vitest";
import {
  awqValues,
  compressedValues,
  gptqValues,
  mlxValues,
  type RawTensors,
  rawTensors,
  type Values,
} from "../../../reference/packed-formats.ts";
import { decoded, decodeRows, findIn } from "../../../support/packed-tensors.ts";
import { describeShared, hasShared, needing, sharedBytes, sharedJson } from "../../../support/shared.ts";

type Reference = (tensors: RawTensors, module: string) => Values;

const CASES: Readonly<Record<string, { packed: number; reference: Reference; ids: string[] }>> = {
  "mlx-llama-4bit-g64": {
    packed: 14,
    reference: (tensors, module) =>
      mlxValues(tensors, module, module === "model.layers.0.self_attn.v_proj" ? 8 : 4, 64),
    ids: ["affine int4 g64", "affine int8 g64"],
  },
  "mlx-llama-8bit-g64": { packed: 15, reference: (t, m) => mlxValues(t, m, 8, 64), ids: ["affine int8 g64"] },
  "mlx-qwen2-4bit-g32": { packed: 16, reference: (t, m) => mlxValues(t, m, 4, 32), ids: ["affine int4 g32"] },
  "ct-llama-int4-g128": { packed: 14, reference: (t, m) => compressedValues(t, m, 4, 128), ids: ["int4 g128"] },
  "ct-llama-int4-g32": { packed: 14, reference: (t, m) => compressedValues(t, m, 4, 32), ids: ["int4 g32"] },
  "ct-llama-int8-channel": { packed: 14, reference: (t, m) => compressedValues(t, m, 8, 0), ids: ["int8 row"] },
  "ct-qwen2-int4-asym-g32": { packed: 14, reference: (t, m) => compressedValues(t, m, 4, 32), ids: ["int4 g32"] },
  "awq-llama-gemm-g32": { packed: 14, reference: (t, m) => awqValues(t, m, 32), ids: ["awq int4 g32"] },
  "gptq-llama-g32": {
    packed: 14,
    reference: (t, m) => gptqValues(t, m, 4, 1),
    ids: ["gptq int4 g32", "gptq int4 g32, columns in activation order"],
  },
};

describeShared(needing("golden/formats", "packed matrices of golden checkpoints"), () => {
  // A skipped suite is collected all the same.
  if (!hasShared) return test("reads ../shared", () => {});
  for (const [name, { packed, reference, ids }] of Object.entries(CASES)) {
    describe(name, async () => {
      const folder = `golden/formats/${name}`;
      const file = await sharedBytes(`${folder}/model/model.safetensors`);
      const config = await sharedJson<object>(`${folder}/model/config.json`);
      const raw = rawTensors(file);

      test("decode to the file's own values, whole and in parts", async () => {
        const found = await findIn(file, config);
        const tensors = decoded(found);
        expect(tensors).toHaveLength(packed);
        expect(found.notes).toHaveLength(ids.length > 1 && name.startsWith("gptq") ? 1 : 0);
        expect([...new Set(tensors.map(({ encoding }) => encoding.id))].toSorted()).toEqual(ids.toSorted());
        for (const tensor of tensors) {
          const values = reference(raw, tensor.name.replace(/\.weight$/, ""));
          expect(tensor.shape).toEqual([values.rows, values.columns]);
          const cut = Math.min(40, values.rows);
          const parts = [...decode(tensor, 0, cut), ...decode(tensor, cut, values.rows - cut)];
          const wanted = Array.from(parts, (_, i) =>
            Math.fround(values.at(Math.floor(i / values.columns), i % values.columns)),
          );
          expect(firstDifference(parts.map(Math.fround), wanted), tensor.name).toBe(-1);
        }
      });

      test("agree with the expected tensors", async () => {
        const expected = rawTensors(await sharedBytes(`${folder}/expected.safetensors`));
        const tensors = decoded(await findIn(file, config));
        let compared = 0;
        for (const [key, { shape, bytes }] of expected) {
          if (!key.startsWith("dequantised.")) continue;
          const tensor = tensors.find((tensor) => `dequantised.${tensor.name}` === key);
          if (!tensor) continue; // plain in the file
          const wanted = new Float32Array(bytes.slice().buffer);
          const found = [...decode(tensor, 0, shape[0]!)].map(Math.fround);
          expect(firstDifference(found, [...wanted]), key).toBe(-1);
          compared++;
        }
        expect(compared).toBeGreaterThan(0);
      });

      function decode(tensor: Parameters<typeof decodeRows>[1], first: number, rows: number): number[] {
        return rows === 0 ? [] : Array.from(decodeRows(file, tensor, first, rows));
      }
    });
  }
});

function firstDifference(found: readonly number[], wanted: readonly number[]): number {
  if (found.length !== wanted.length) return Math.min(found.length, wanted.length);
  return found.findIndex((value, i) => value !== wanted[i]);
}
