/**
 * Compression where cells are strips, and where there is no encoder: counts of rows, which rows stay, and what is refused.
 * The goldens of these families have no settings.
 */
import { describe, expect } from "vitest";
import type { Compression } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { loadFamily, requestOf, sourceOf } from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";
import { needing, testShared } from "../support/shared.ts";

describe("compressed rows", () => {
  const { device } = useDevice();

  async function inspectWith(folder: string, compression: Compression) {
    const source = await sourceOf(folder);
    const fovea = await Fovea.load(source, { weights: "f32", precision: "f32", device: device() });
    try {
      const { prompts } = await loadFamily(folder);
      const request = { ...(await requestOf(prompts[0]!)), compression };
      const inspection = await fovea.inspect(request);
      const count = await fovea.countTokens(request.messages!, { compression });
      return { inspection, count };
    } finally {
      fovea.dispose();
    }
  }

  testShared(needing("golden/families", "vmtc merges strips of patches"), async () => {
    const { inspection, count } = await inspectWith("minigpt-v2", { method: "vmtc", ratio: 0.5, clusters: 1 });
    const view = inspection.images[0]!.views[0]!;
    // 36 patches in 9 strips, of which 4 are left: 3 primary ones and a cluster.
    expect([view.rows, view.cols, view.cell, view.strip]).toEqual([6, 6, 1, 4]);
    expect(view.stages.at(-1)!.primary).toHaveLength(3);
    expect(view.owners).toHaveLength(4);
    expect(new Set(view.owners).size).toBe(4);
    expect(Math.max(...view.owners)).toBeLessThan(9);
    expect(view.features.rows).toBe(4 * 4);
    expect(inspection.images[0]!.projected.rows).toBe(4);
    expect(inspection.prompt.pictures).toEqual([[{ start: 15, count: 4 }]]);
    expect(count).toMatchObject({ promptTokens: inspection.prompt.ids.length, pictures: [4], isExact: true });
    expect(inspection.logits.data.every(Number.isFinite)).toBe(true);
  });

  testShared(needing("golden/families", "diverse keeps patches that enter the decoder, and their lines"), async () => {
    const whole = await inspectWith("fuyu", { method: "none" });
    const { inspection } = await inspectWith("fuyu", { method: "diverse", tokens: 20 });
    const [view, image] = [inspection.images[0]!.views[0]!, inspection.images[0]!];
    expect(image.projected.rows).toBe(20);
    // The kept rows are rows of the whole picture, in raster order.
    const { data, cols } = whole.inspection.images[0]!.projected;
    const kept = [...view.kept!];
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    for (const [i, cell] of kept.entries())
      expect(image.projected.data.slice(i * cols, (i + 1) * cols)).toEqual(data.slice(cell * cols, (cell + 1) * cols));
    // A line without a row left has no token at its end.
    const lines = new Set(kept.map((cell) => Math.floor(cell / view.cols)));
    const lineEnds = [...inspection.prompt.ids].filter((id) => id === 260);
    expect(lineEnds).toHaveLength(lines.size);
  });

  testShared(needing("golden/families", "stages inside an encoder that is not there are refused"), async () => {
    for (const method of ["vmtc", "prumerge"] as const)
      await expect(inspectWith("fuyu", { method })).rejects.toThrow(`"${method}" works inside an encoder`);
  });
});
