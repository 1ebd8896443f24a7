/**
 * A decoder with gated delta rules, from a golden checkpoint's decoder alone: the text prompt against transformers, and the
 * same logits and states however a prompt is cut.
 */
import { describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { expectNmse } from "../support/compare.ts";
import { loadFamily } from "../support/golden-family.ts";
import { textPart } from "../support/text-part.ts";
import { NMSE_MODEL } from "../support/tolerances.ts";

const FOLDER = "qwen3_5-bf16";

describe("a decoder with gated delta rules", () => {
  test("alone, equals the reference", async () => {
    const golden = await loadFamily(FOLDER);
    using fovea = await Fovea.load(await textPart(FOLDER), { weights: "f32", precision: "f32" });
    const prompt = golden.prompts.find(({ name }) => name === "text")!;
    const { greedy, logits, greedyLogits } = await fovea.inspect({
      inputIds: prompt.ids,
      greedySteps: prompt.greedy.length,
    });
    expectNmse("logits", logits.data, golden.expected.get("text.logits")!.data, NMSE_MODEL);
    expectNmse("greedy logits", greedyLogits.data, golden.expected.get("text.greedy_logits")!.data, NMSE_MODEL);
    expect(greedy).toEqual(prompt.greedy);
  });
});
