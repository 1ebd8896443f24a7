/** Finite weights whose product overflows: an error that says so, however the token is chosen, and the device stays usable. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fovea } from "../../src/index.ts";
import { withElement } from "../support/damage.ts";
import { type CountedDevice, countedDevice, expectAnswers, expectRefusal, question } from "../support/engine.ts";
import { languageFiles } from "../support/random-models.ts";

const WEIGHTS = "model.safetensors";
/** 3.4e38 as an f32. */
const MAX_BITS = 0x7f7fc99e;
const SAYS = /the model's logits are not finite \(NaN or infinity\).* load it with precision "f32"/;

describe("weights that overflow", () => {
  let counted: CountedDevice;
  beforeAll(async () => {
    counted = await countedDevice();
  }, 60_000);
  afterAll(() => counted.release());

  test.for([
    ["the last norm", "model.norm.weight"],
    ["a norm inside", "model.layers.0.input_layernorm.weight"],
    ["a weight of attention", "model.layers.1.self_attn.o_proj.weight"],
  ])("%s", async ([, name]) => {
    const files = languageFiles();
    let weights = files[WEIGHTS]!;
    for (let i = 0; i < 64; i++) weights = withElement(weights, name!, i, () => MAX_BITS);
    const fovea = await Fovea.load({ ...files, [WEIGHTS]: weights }, { device: counted.device, maxContext: 64 });
    for (const settings of [{}, { temperature: 0.8, seed: 3 }, { temperature: 1, topK: 5, topP: 0.9 }]) {
      const generation = fovea.generate({ ...question, ...settings });
      await expectRefusal(() => generation.text(), "bad-weights", SAYS);
    }
    await expectRefusal(() => fovea.inspect({ inputIds: [1, 5], greedySteps: 2 }), "bad-weights", SAYS);
    fovea.dispose();
    expect(counted.live()).toEqual([]);
  });

  test("the whole model answers on the same device", async () => {
    const fovea = await Fovea.load(languageFiles(), { device: counted.device, maxContext: 64 });
    await expectAnswers(fovea);
    fovea.dispose();
  });
});
