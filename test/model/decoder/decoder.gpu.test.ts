/** The plain decoder: the same logits however a prompt is cut, and row by row. */
import { describe, expect, test } from "vitest";
import { promptRows } from "../../../src/model/decoder/prompt-rows.ts";
import { MAX_MLP_ROWS } from "../../../src/model/decoder/workspace.ts";
import { fillWeights, Weights } from "../../../src/model/load/fill.ts";
import { matchTensors } from "../../../src/model/load/match.ts";
import { openCheckpoint } from "../../../src/weights/checkpoint.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { expectNmse } from "../../support/compare.ts";
import { SMALL_CONFIG, TestDecoder } from "../../support/decoder.ts";
import { describeModel } from "../../support/describe-model.ts";
import { freshRandom, useGpu } from "../../support/gpu.ts";
import { sharedJson, sharedUrl } from "../../support/shared.ts";
import { NMSE_CHUNKING } from "../../support/tolerances.ts";

describe("prefill in chunks, then rows", () => {
  const { gpu: device } = useGpu();

  // Llama with grouped queries, and Qwen2 with biases and a tied head.
  test.for(["golden/clip-llama-f32", "golden/siglip-qwen2-bf16-sharded"])("%s equals one forward", async (path) => {
    const gpu = device();
    const spec = describeModel({ "config.json": await sharedJson(`${path}/config.json`) });
    const checkpoint = await openCheckpoint(openFolder(sharedUrl(path)));
    const matched = matchTensors(spec, checkpoint.tensors);
    const weights = new Weights(gpu.arena, matched);
    await fillWeights(gpu, gpu.arena, weights, matched.parts, checkpoint);
    const decoder = await TestDecoder.make(gpu, weights, spec);
    const random = freshRandom("chunks");
    const { vocabularySize } = spec.decoder!;
    const rows = 60;
    const ids = Array.from({ length: rows }, () => random.integer(0, vocabularySize - 1)).filter(
      (id) => id !== spec.imageTokenId,
    );
    const prompt = promptRows({ ids, pictures: [] }, [], { vocabularySize });
    const whole = await decoder.run(prompt, []);
    expect(whole.length).toBe(ids.length * vocabularySize);
    const last = ids.length - 1;
    const cuts = [
      [1],
      [last],
      [31, 32, 33],
      [7, 8, 40],
      Array.from({ length: 20 }, (_, i) => ids.length - 20 + i), // the last twenty rows one by one
      Array.from({ length: last }, (_, i) => i + 1), // all of them one by one
    ];
    for (const ends of cuts)
      expectNmse(`cut at ${ends.slice(0, 4)}`, await decoder.run(prompt, ends), whole, NMSE_CHUNKING);
  });

  test("a chunk of more rows than an MLP takes at once", async () => {
    const gpu = device();
    const rows = MAX_MLP_ROWS + 50;
    const random = freshRandom("long chunk");
    // Norms after both halves read what the MLP of earlier rows has left.
    for (const model_type of ["llama", "gemma2"]) {
      const json = { ...SMALL_CONFIG, model_type, head_dim: 16, query_pre_attn_scalar: 16, rms_norm_eps: 1e-6 };
      const spec = describeModel({ "config.json": json });
      const matched = { tensors: spec.tensors.filter(({ parts }) => parts.length > 0), aliases: new Map() };
      const aliases = new Map(
        spec.tensors.flatMap(({ name, parts, instead }) => (parts.length === 0 ? [[name, instead!]] : [])),
      );
      const weights = new Weights(gpu.arena, { ...matched, aliases });
      for (const { name, shape } of matched.tensors) {
        const size = shape.reduce((product, dimension) => product * dimension, 1);
        const values = random.floats(size, 1 / Math.sqrt(shape.at(-1)!));
        gpu.upload(weights.get(name), shape.length === 1 ? values.map((value) => 1 + value) : values);
      }
      const decoder = await TestDecoder.make(gpu, weights, spec, rows);
      const ids = Array.from({ length: rows }, () => random.integer(0, json.vocab_size - 1));
      const prompt = promptRows({ ids, pictures: [] }, [], spec.decoder!);
      const whole = await decoder.run(prompt, []);
      expectNmse(model_type, whole, await decoder.run(prompt, [200, 400]), NMSE_CHUNKING);
      expect(whole.some((value) => Math.abs(value) > 1e-3)).toBe(true);
    }
  });
});
