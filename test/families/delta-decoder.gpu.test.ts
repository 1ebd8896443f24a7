/**
 * A decoder with gated delta rules, from a golden checkpoint's decoder alone: the text prompt against transformers, and the
 * same logits and states however a prompt is cut.
 */
import { describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { deltaState } from "../../src/model/decoder/delta-sizes.ts";
import { promptRows } from "../../src/model/decoder/prompt-rows.ts";
import { fillWeights, Weights } from "../../src/model/load/fill.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { expectNmse } from "../support/compare.ts";
import { TestDecoder } from "../support/decoder.ts";
import { describeModel } from "../support/describe-model.ts";
import { loadFamily } from "../support/golden-family.ts";
import { freshRandom, useGpu } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";
import { textConfig, textPart } from "../support/text-part.ts";
import { NMSE_CHUNKING, NMSE_MODEL } from "../support/tolerances.ts";

const FOLDER = "qwen3_5-bf16";

test("a decoder with gated delta rules, alone, equals the reference", async () => {
  const golden = await loadFamily(FOLDER);
  const fovea = await Fovea.load(await textPart(FOLDER), { weights: "f32", precision: "f32" });
  try {
    const prompt = golden.prompts.find(({ name }) => name === "text")!;
    const { ids, greedy: expected } = prompt;
    const { greedy, logits, greedyLogits } = await fovea.inspect({ inputIds: ids, greedySteps: expected.length });
    expectNmse("logits", logits.data, golden.expected.get("text.logits")!.data, NMSE_MODEL);
    expectNmse("greedy logits", greedyLogits.data, golden.expected.get("text.greedy_logits")!.data, NMSE_MODEL);
    expect(greedy).toEqual(expected);
  } finally {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  }
});

describe("prefill in chunks, then rows", () => {
  const { gpu: device } = useGpu();

  test("give the logits and the states of one forward", async () => {
    const gpu = device();
    const spec = describeModel({ "config.json": await textConfig(FOLDER) });
    const checkpoint = await openCheckpoint(openFolder(sharedUrl(`golden/families/${FOLDER}/model`)));
    const matched = matchTensors(spec, checkpoint.tensors);
    const weights = new Weights(gpu.arena, matched);
    await fillWeights(gpu, gpu.arena, weights, matched.parts, checkpoint);
    const decoder = await TestDecoder.make(gpu, weights, spec);
    const random = freshRandom("delta decoder");
    const { vocabularySize, layers } = spec.decoder!;
    const rows = 70;
    const ids = Array.from({ length: rows }, () => random.integer(0, vocabularySize - 1));
    const prompt = promptRows({ ids, pictures: [] }, [], spec.decoder!);
    /** The states after all rows, of every layer that has one. */
    const states = async () => {
      const slot = decoder.cache.slots(rows).from!;
      const all: Float32Array[] = [];
      for (const [i, { delta }] of layers.entries()) {
        if (!delta) continue;
        const width = deltaState(delta);
        all.push((await readFloats(gpu, decoder.cache.layers[i]!)).subarray(slot * width, (slot + 1) * width));
      }
      return all;
    };
    const whole = await decoder.run(prompt, []);
    const expected = await states();
    expect(expected.length).toBeGreaterThan(1);
    const cuts = [
      [1],
      [rows - 1],
      [15, 16, 17, 33],
      [2, 3, 4, 40],
      Array.from({ length: 20 }, (_, i) => rows - 20 + i), // the last twenty rows one by one
      Array.from({ length: rows - 1 }, (_, i) => i + 1), // all of them one by one
    ];
    for (const ends of cuts) {
      const what = `cut at ${ends.slice(0, 4)}`;
      expectNmse(what, await decoder.run(prompt, ends), whole, NMSE_CHUNKING);
      for (const [i, state] of (await states()).entries())
        expectNmse(`${what}, state ${i}`, state, expected[i]!, NMSE_CHUNKING);
    }
  });
});
