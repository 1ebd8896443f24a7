/** A model whose published code marks pictures by an id that no vocabulary has: inspections take and give that id. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { type GoldenFamily, loadFamily } from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";

const FOLDER = "nanollava-original-bf16";
let golden: GoldenFamily;
const { device } = useDevice();
let fovea: Fovea;

beforeAll(async () => {
  golden = await loadFamily(FOLDER);
  fovea = await Fovea.load(sharedUrl(`golden/families/${FOLDER}/model`), {
    weights: "f32",
    precision: "f32",
    device: device(),
  });
});
afterAll(() => fovea.dispose());

test("ids with one placeholder a picture, and pixels", async () => {
  const { ids, greedy } = golden.prompts.find(({ name }) => name === "two")!;
  const { data, shape } = golden.expected.get("two.pixels")!;
  const side = shape.slice(-3) as [3, number, number];
  const length = data.length / 2;
  const pixelValues = [0, 1].map((i) => ({
    data: Float32Array.from(data.slice(i * length, (i + 1) * length)),
    shape: side,
  }));
  // The first of each run of rows.
  const inputIds = ids.filter((id, i) => id >= 0 || ids[i - 1]! >= 0);
  expect(inputIds.filter((id) => id === -200)).toHaveLength(2);
  const inspection = await fovea.inspect({ inputIds, pixelValues, greedySteps: greedy.length });
  expect([...inspection.prompt.ids]).toEqual([...Uint32Array.from(ids)]);
  expect(inspection.greedy).toEqual(greedy);
});
