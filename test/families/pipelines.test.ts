/**
 * Pictures of any shape need the pipelines that a load compiles, and no more: each kernel variant that the encoder records for
 * them, without compression and with the standard one, is one that it rehearses.
 */
import { describe, expect, test } from "vitest";
import { costliestPlan, smallestPlan } from "../../src/engine/engine.ts";
import type { Variant } from "../../src/gpu/kernel.ts";
import type { Capabilities, Recorder } from "../../src/gpu/pass.ts";
import { PlanningGpu } from "../../src/gpu/planning.ts";
import { SOFTWARE } from "../../src/kernels/software.ts";
import { PictureEncoder } from "../../src/model/encoder/picture-encoder.ts";
import { Weights } from "../../src/model/load/fill.ts";
import { DESCRIPTION_FILES } from "../../src/shared/model-files.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import { describeModel } from "../support/describe-model.ts";

const FILES = import.meta.glob<object>("./*/*/{config,preprocessor_config,processor_config}.json", {
  eager: true,
  import: "default",
});

/** Even and odd numbers of cells in a line, one cell, lines of one cell, a photograph. */
const SHAPES = [
  [451, 300],
  [37, 187],
  [10, 10],
  [100, 900],
] as const;

type Reader = ModelSpec & Required<Pick<ModelSpec, "pictures" | "encoder">>;

/** Plans of pictures of these shapes, but for those that the family refuses. */
function plansOf({ pictures }: Reader) {
  return SHAPES.flatMap(([width, height]) => {
    try {
      return [pictures.plan(width, height, {})];
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      return [];
    }
  });
}

await SOFTWARE.load();

/** By family, a model whose views have more than one grid. */
const MODELS = new Map<string, Reader>();
for (const folder of new Set(Object.keys(FILES).map((path) => path.replace(/\/[^/]*$/, "")))) {
  const spec = describeModel(Object.fromEntries(DESCRIPTION_FILES.map((name) => [name, FILES[`${folder}/${name}`]])));
  if (!spec.pictures || !spec.encoder || MODELS.has(spec.family)) continue;
  const grids = plansOf(spec as Reader).flatMap(({ views }) => views.map(({ grid }) => JSON.stringify(grid)));
  if (new Set(grids).size > 1) MODELS.set(spec.family, spec as Reader);
}

/** Labels of the variants that `record` uses. */
function labels(
  spec: Reader,
  capabilities: Partial<Capabilities>,
  record: (pictures: PictureEncoder, recorder: Recorder) => void,
): Set<string> {
  const gpu = new PlanningGpu(undefined, capabilities);
  const weights = new Weights(gpu.arena, { tensors: spec.tensors, aliases: new Map() });
  const found = new Set<string>();
  const recorder: Recorder = { ...gpu.recorder, dispatch: (variant: Variant) => found.add(variant.label) };
  record(new PictureEncoder(gpu, gpu.arena, weights, spec), recorder);
  return found;
}

test("there are models with views of many grids", () => {
  const families = ["fuyu", "lfm2_vl", "mistral3", "pixtral", "qwen2_5_vl", "qwen2_vl", "qwen3_5", "qwen3_vl"];
  expect([...MODELS.keys()].sort()).toEqual(families);
});

describe.for([...MODELS])("%s", ([, spec]) => {
  test.for<Partial<Capabilities>>([{}, { subgroups: true, software: true }])("%j", (capabilities) => {
    const rehearsed = labels(spec, capabilities, (pictures, recorder) =>
      pictures.rehearse(recorder, costliestPlan(spec), smallestPlan(spec)),
    );
    for (const plan of plansOf(spec)) {
      const needed = labels(spec, capabilities, (pictures, recorder) => void pictures.planBytes(recorder, plan));
      expect([...needed].filter((label) => !rehearsed.has(label))).toEqual([]);
    }
  });
});
