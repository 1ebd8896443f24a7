/** Ten thousand tokens in a row on one sequence, with inhibition: memory and speed must not change. */

import { Sequence } from "../../src/generate/sequence.ts";
import { sequenceBuffers } from "../../src/generate/sequence-buffers.ts";
import { GREEDY } from "../../src/generate/token-choice.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { imageRuns, type PromptRows } from "../../src/model/decoder/prompt-rows.ts";
import { causalRanges } from "../../src/model/decoder/visible.ts";
import { Inhibitor } from "../../src/model/inhibition/inhibitor.ts";
import { planInhibition } from "../../src/model/inhibition/plan.ts";
import { DecoderSubject } from "./decoder-subject.ts";
import { LLAMA_20M } from "./models.ts";
import type { Part } from "./part.ts";
import type { SizeName } from "./result.ts";

/** Small, because commands could leak and arithmetic cannot. */
const JSON_OF = { ...LLAMA_20M, hidden_size: 64, intermediate_size: 128, num_hidden_layers: 3, vocab_size: 512 };
const HEADS = { num_attention_heads: 4, num_key_value_heads: 2 };
const IMAGE_TOKENS = 32;
/** Answers of equal length: within an answer, tokens become more expensive as the cache grows. */
const ANSWERS: Record<SizeName, { answers: number; tokens: number }> = {
  tiny: { answers: 2, tokens: 4 },
  small: { answers: 20, tokens: 500 },
  large: { answers: 20, tokens: 500 },
};
/** As in the engine's loop: the GPU works on the next token while the CPU reads the last one. */
const STEPS_AHEAD = 2;

interface Answer {
  milliseconds: number;
  gpuBytes: number;
  bindGroups: number;
}

export const endurance: Part = async ({ gpu, size, progress }) => {
  const { answers, tokens } = ANSWERS[size];
  const rows = IMAGE_TOKENS + 4 + tokens;
  const subject = new DecoderSubject(gpu, { json: { ...JSON_OF, ...HEADS }, weights: "f32", capacity: rows });
  const run = await answering(gpu, subject, rows);
  const found: Answer[] = [];
  // The first answer creates bind groups and fills caches.
  await run(tokens);
  for (let answer = 1; answer <= answers; answer++) {
    progress(`endurance: answer ${answer} of ${answers}`);
    found.push(await run(tokens));
  }
  const total = answers * tokens;
  const [first, last] = [found[0]!, found.at(-1)!];
  const median = (of: Answer[]) => of.map((a) => a.milliseconds).sort((a, b) => a - b)[of.length >> 1]!;
  const quarter = Math.max(1, answers >> 2);
  const [early, late] = [median(found.slice(0, quarter)), median(found.slice(-quarter))];
  const what = `${answers} answers of ${tokens} tokens in a row`;
  return [
    { id: "endurance.tokens", what: `${what}, no device lost`, value: total, unit: "tokens" },
    { id: "endurance.token", what: "a token, median of the first quarter", value: early / tokens, unit: "ms" },
    { id: "endurance.speed", what: "time of the last quarter over the first", value: late / early, unit: "x" },
    {
      id: "endurance.memory",
      what: "GPU memory after the last answer, less the first",
      value: last.gpuBytes - first.gpuBytes,
      unit: "bytes",
    },
    {
      id: "endurance.groups",
      what: "bind groups after the last answer, less the first",
      value: last.bindGroups - first.bindGroups,
      unit: "groups",
    },
  ];
};

/** A function that generates one answer of a number of tokens. */
async function answering(gpu: Gpu, { decoder, cache, spec }: DecoderSubject, rows: number) {
  const ids = Array.from({ length: spec.vocabularySize }, (_, id) => id);
  const sequence = new Sequence(gpu, decoder, cache, sequenceBuffers(gpu, decoder, ids));
  await gpu.compile((recorder) => sequence.rehearse(recorder));
  const image = gpu.arena.tensor("image tokens", [IMAGE_TOKENS, spec.width]);
  gpu.upload(
    image,
    Float32Array.from({ length: IMAGE_TOKENS * spec.width }, (_, i) => Math.sin(i)),
  );
  const length = IMAGE_TOKENS + 4;
  const prompt: PromptRows = {
    ids: Uint32Array.from({ length }, (_, i) => i + 1),
    positions: Uint32Array.from({ length }, (_, i) => i),
    visible: causalRanges(length),
    pictures: [[{ tensor: image, first: 0, count: IMAGE_TOKENS, row: 1, position: 1 }]],
    nextPosition: length,
  };
  const plan = planInhibition({ maxRatio: 0.6 }, spec.layers);
  const ranges = causalRanges(rows);
  return async (tokens: number): Promise<Answer> => {
    const inhibited = { images: imageRuns(prompt), visible: () => ranges };
    const inhibitor = new Inhibitor(gpu, gpu.arena, decoder, plan, inhibited);
    const start = performance.now();
    await sequence.prefill(prompt, { inhibition: inhibitor });
    const pending: Promise<unknown>[] = [];
    for (let token = 0; token < tokens; token++) {
      pending.push(sequence.step(GREEDY));
      if (pending.length === STEPS_AHEAD) await pending.shift();
    }
    await Promise.all(pending);
    const milliseconds = performance.now() - start;
    inhibitor.dispose();
    return { milliseconds, gpuBytes: gpu.arena.bytes, bindGroups: gpu.bindGroups.size };
  };
}
