/** Ten thousand tokens in a row on one sequence, with inhibition: whether memory and speed stay what they were. */
import type { Gpu } from "../../src/gpu/device.ts";
import { Inhibitor } from "../../src/model/inhibition/inhibitor.ts";
import { planInhibition } from "../../src/model/inhibition/plan.ts";
import { imageRuns, type Prompt } from "../../src/model/prompt.ts";
import { GREEDY, Sequence } from "../../src/model/sequence.ts";
import { causalRanges } from "../../src/model/visible.ts";
import { DecoderSubject } from "./decoder-subject.ts";
import { LLAMA_20M } from "./models.ts";
import type { Part } from "./part.ts";
import type { SizeName } from "./result.ts";

/** Small, so that the commands count and not the arithmetic: it is they that could leak. */
const JSON_OF = { ...LLAMA_20M, hidden_size: 64, intermediate_size: 128, num_hidden_layers: 3, vocab_size: 512 };
const HEADS = { num_attention_heads: 4, num_key_value_heads: 2 };
const IMAGE_TOKENS = 32;
/** Answers of equal length: within one, tokens become dearer, as the cache grows. */
const ANSWERS: Record<SizeName, { answers: number; tokens: number }> = {
  tiny: { answers: 2, tokens: 4 },
  small: { answers: 20, tokens: 500 },
  large: { answers: 20, tokens: 500 },
};
/** As the engine's loop: the GPU works on the next token while this side reads the last one. */
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
  // The first one pays for bind groups and caches.
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

/** A function that answers once with so many tokens. */
async function answering(gpu: Gpu, { decoder, cache, config }: DecoderSubject, rows: number) {
  const ids = Array.from({ length: config.vocabularySize }, (_, id) => id);
  const sequence = new Sequence(gpu, gpu.arena, decoder, cache, ids);
  await gpu.compile((recorder) => sequence.rehearse(recorder));
  const image = gpu.arena.tensor("image tokens", [IMAGE_TOKENS, config.width]);
  gpu.upload(
    image,
    Float32Array.from({ length: IMAGE_TOKENS * config.width }, (_, i) => Math.sin(i)),
  );
  const length = IMAGE_TOKENS + 4;
  const prompt: Prompt = {
    ids: Uint32Array.from({ length }, (_, i) => i + 1),
    positions: Uint32Array.from({ length }, (_, i) => i),
    visible: causalRanges(length),
    images: [{ row: 1, position: 1, tokens: image }],
    nextPosition: length,
  };
  const plan = planInhibition({ maxRatio: 0.6 }, decoder.layers);
  const ranges = causalRanges(rows);
  return async (tokens: number): Promise<Answer> => {
    const inhibited = { images: imageRuns(prompt), visible: () => ranges };
    const inhibitor = new Inhibitor(gpu, gpu.arena, decoder, plan, inhibited);
    const start = performance.now();
    await sequence.prefill(prompt, { inhibition: inhibitor });
    const pending: Promise<number>[] = [];
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
