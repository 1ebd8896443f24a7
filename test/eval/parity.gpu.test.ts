/** The engine and PyTorch agree on the shipped weights; all of PyTorch's answers: parity.long.test.ts. */
import { expect, test } from "vitest";
import reference from "../../eval/parity/reference.json";
import type { Fovea } from "../../src/engine/fovea.ts";
import { useDevice } from "../support/gpu.ts";
import { logitErrors, otherAnswers, withShippedModel } from "../support/shipped-model.ts";
import { NMSE_SHIPPED_MODEL } from "../support/tolerances.ts";

/** Of two pictures: every kind of question, and instructions. */
const QUESTIONS = 20;

const { device } = useDevice();

test("logits at the end of a prompt, and greedy answers", async () => {
  const compare = async (fovea: Fovea) => {
    expect(fovea.info.weights, "a small model is kept as it is").toBe("f32");
    expect(await logitErrors(fovea)).toSatisfy((errors: number[]) => errors.every((e) => e < NMSE_SHIPPED_MODEL));
    expect(await otherAnswers(fovea, reference.greedy.slice(0, QUESTIONS))).toEqual([]);
  };
  await withShippedModel("auto", compare, { device: device() });
});
