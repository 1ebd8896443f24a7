/** What the engine answers with the shipped weights, and with those packed, against PyTorch: `npm test -- long`. */
import { expect, test } from "vitest";
import reference from "../../eval/parity/reference.json";
import { logitErrors, otherAnswers, withShippedModel } from "../support/shipped-model.ts";
import { SHIPPED_MODEL_PACKED } from "../support/tolerances.ts";

/** Enough to see what packing costs; the evaluation sees it finer, `npm run eval -- --weights q4`. */
const QUESTIONS_OF_PACKED = 25;

test("all greedy answers", async () => {
  expect(reference.greedy.length).toBeGreaterThanOrEqual(100);
  await withShippedModel("auto", async (fovea) => expect(await otherAnswers(fovea, reference.greedy)).toEqual([]));
});

test.for(["f16", "q8", "q4"] as const)("weights packed as %s", async (weights) => {
  await withShippedModel(weights, async (fovea) => {
    const largest = Math.max(...(await logitErrors(fovea)));
    const others = await otherAnswers(fovea, reference.greedy.slice(0, QUESTIONS_OF_PACKED));
    const same = 1 - others.length / QUESTIONS_OF_PACKED;
    console.log(
      `${weights}: NMSE of logits up to ${largest.toExponential(1)}, ${100 * same} % of the answers the same`,
    );
    expect(largest).toBeLessThan(SHIPPED_MODEL_PACKED[weights].nmse);
    expect(same).toBeGreaterThanOrEqual(SHIPPED_MODEL_PACKED[weights].same);
  });
});
