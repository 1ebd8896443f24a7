/**
 * The engine against the golden checkpoints: loaded from their folders as a page would load them, inspected, and every
 * number that was computed in float64 compared.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { GOLDEN_NAMES, type Golden, loadGolden } from "../support/golden.ts";
import { expectGoldenSettings } from "../support/golden-inspection.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";

const { device } = useDevice();

describe.for(GOLDEN_NAMES)("golden %s", (name) => {
  let golden: Golden;
  let fovea: Fovea;

  beforeAll(async () => {
    golden = await loadGolden(name);
    fovea = await Fovea.load(sharedUrl(`golden/${name}`), { device: device() });
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  test("every setting", () => expectGoldenSettings(fovea, golden));
});
