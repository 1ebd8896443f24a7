/** GPU memory of packed matrices beside the bytes of their files. */
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { makeWeights } from "../../../src/engine/assemble.ts";
import { readModel } from "../../../src/engine/read-model.ts";
import { PlanningGpu } from "../../../src/gpu/planning.ts";
import { tensorByteLength } from "../../../src/gpu/tensor.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { groupedType, resolveWeights, storageName } from "../../../src/model/load/precision.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { isPackedEncoding } from "../../../src/weights/formats/encoding.ts";
import { openModel } from "../../../src/weights/formats/registry.ts";
import { filesOf, loadFormat } from "../../support/golden-format.ts";
import { dataRoot, needing } from "../../support/shared.ts";

/** Most bytes on the GPU for one in the file. */
const MOST = 1.15;

const root = `${dataRoot}/golden/formats`;
const folders = existsSync(root) ? readdirSync(root).filter((name) => existsSync(`${root}/${name}/case.json`)) : [];

if (folders.length === 0) test.skip(needing("golden/formats", "packed checkpoints"), () => {});

describe.for(folders)("%s", (folder) => {
  test("every packed matrix, and the whole model", async () => {
    const model = await openModel(openFolder(await filesOf(folder, await loadFormat(folder))), {});
    const { spec, files } = await readModel(model.folder, {});
    const checkpoint = await model.checkpoint(files["config.json"] as Record<string, unknown>, {});
    const matched = matchTensors(spec, checkpoint.tensors);
    let stored = 0;
    let allowed = 0;
    for (const { tensor, entry } of matched.parts) {
      const bytes = entry.planes.reduce((sum, { start, end }) => sum + end - start, 0);
      stored += bytes;
      if (!isPackedEncoding(entry.encoding)) {
        // Kept as wide as in the file; but vectors, tables and rows that no word of f16 ends are f32.
        const isWide = tensor.use === "vector" || tensor.use === "table" || tensor.shape.at(-1)! % 8 !== 0;
        allowed += isWide ? 2 * bytes : bytes;
        continue;
      }
      const { id, layout } = entry.encoding;
      const onGpu = tensorByteLength({ shape: entry.shape, type: groupedType(layout) });
      expect(onGpu / bytes, `${id} ${entry.name}`).toBeLessThanOrEqual(MOST);
      allowed += MOST * bytes;
    }
    expect(stored).toBeGreaterThan(0);
    const storage = resolveWeights(matched, "auto", { maxBufferSize: Number.POSITIVE_INFINITY });
    if (folder.startsWith("gptq")) {
      // Columns in activation order are unpacked.
      expect(storageName(storage)).toBe("gptq int4 g32, f32");
      return;
    }
    const gpu = new PlanningGpu(undefined);
    const before = gpu.arena.bytes;
    makeWeights(gpu, matched, storage);
    if (typeof storage !== "string") expect(gpu.arena.bytes - before).toBeLessThanOrEqual(allowed);
  });
});
