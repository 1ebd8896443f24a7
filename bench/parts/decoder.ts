/** A decoder with 4-bit weights: the rate of a prompt in GFLOP/s, of a token in GB/s, and their dispatches and submits. */

import { Sequence } from "../../src/generate/sequence.ts";
import { sequenceBuffers } from "../../src/generate/sequence-buffers.ts";
import { GREEDY } from "../../src/generate/token-choice.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { causalRanges } from "../../src/model/decoder/visible.ts";
import { Inhibitor } from "../../src/model/inhibition/inhibitor.ts";
import { planInhibition } from "../../src/model/inhibition/plan.ts";
import { DecoderSubject, tokenBytes } from "./decoder-subject.ts";
import { DispatchCounter } from "./dispatch-counter.ts";
import { LLAMA_20M } from "./models.ts";
import type { Part } from "./part.ts";
import { measureRates, plainCopyOf, plainProductsOf, usesF16 } from "./rates.ts";
import type { Figure, SizeName } from "./result.ts";
import { prefillFlops } from "./work.ts";

/** Four layers of Llama-2's shape, so that a token's weights are far larger than the processor's caches. */
const WIDE = {
  ...LLAMA_20M,
  ...{ hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 4, num_attention_heads: 32 },
  ...{ num_key_value_heads: 32, vocab_size: 32000 },
};

interface Subject {
  json: typeof LLAMA_20M;
  name: string;
  prompt: number;
  /** f32 values of the copy in the same rounds. */
  copy: number;
  rounds: number;
  batchMs: number;
}

const SUBJECTS: Record<SizeName, Subject> = {
  tiny: {
    json: { ...LLAMA_20M, num_hidden_layers: 1 },
    ...{ name: "a layer of 512", prompt: 4, copy: 1 << 12, rounds: 1, batchMs: 0 },
  },
  small: { json: LLAMA_20M, name: "a Llama of 20 M parameters", prompt: 64, copy: 1 << 21, rounds: 5, batchMs: 30 },
  large: { json: WIDE, name: "four layers of 4096", prompt: 512, copy: 1 << 26, rounds: 9, batchMs: 100 },
};

export const decoder: Part = async ({ gpu, size, progress }) => {
  const { json, name, prompt, copy, rounds, batchMs } = SUBJECTS[size];
  const subject = new DecoderSubject(gpu, { json, capacity: 2 * prompt });
  const { hidden_size: inner, intermediate_size: cols } = json;
  const filling = {
    ...{ id: "prefill", what: `prefill of ${prompt} tokens, ${name}, q4`, timed: true },
    ...{ flops: prefillFlops(subject.spec, prompt), f16: usesF16(gpu) },
    record: (recorder: Recorder) => subject.record(recorder, prompt, 0),
  };
  const decoding = {
    ...{ id: "decode", what: `a token after ${prompt}, ${name}, q4`, timed: true },
    bytes: tokenBytes(subject, prompt),
    record: (recorder: Recorder) => subject.record(recorder, 1, prompt),
  };
  progress(`decoder: prefill of ${name}`);
  const products = plainProductsOf(gpu, gpu.arena, { rows: prompt, cols, inner });
  const filled = await measureRates(gpu, [...products, filling], { rounds, batchMs: 0 });
  progress(`decoder: tokens of ${name}`);
  const decoded = await measureRates(gpu, [plainCopyOf(gpu.arena, copy), decoding], { rounds, batchMs });
  return [...filled, ...decoded, ...dispatchFigures(gpu, subject, prompt), await submitFigure(gpu, subject)];
};

/** Dispatches of a layer for one token, on a GPU and on a software adapter. */
function dispatchFigures(gpu: Gpu, { decoder, cache, spec }: DecoderSubject, rows: number): Figure[] {
  const positions = gpu.arena.tensor("positions", [1, 1], "u32");
  const visible = gpu.arena.tensor("visible", [1, 2], "u32");
  const images = [[{ row: 1, tokens: Math.max(1, rows >> 1) }]];
  const ranges = causalRanges(rows + 2);
  const plan = planInhibition({ maxRatio: 0.6 }, spec.layers);
  const inhibitor = new Inhibitor(gpu, gpu.arena, decoder, plan, { images, visible: () => ranges });
  const count = (software: boolean, inhibited: boolean): number => {
    const recorder = new DispatchCounter({ ...gpu.capabilities, software });
    const attention = inhibited ? inhibitor : undefined;
    decoder.forward(recorder, { positions, visible: [visible], cache, start: rows, attention });
    return recorder.dispatches;
  };
  // Layer 0 inhibits nothing: the additional dispatches are those of the layers that do.
  const inhibiting = plan.ratios.filter((ratio) => ratio).length;
  const figures = [false, true].flatMap((software): Figure[] => {
    const plain = count(software, false) / spec.layers.length;
    const more = inhibiting === 0 ? 0 : (count(software, true) - plain * spec.layers.length) / inhibiting;
    const where = software ? "software adapter" : "GPU";
    const unit = "dispatches";
    return [
      { id: `dispatches.${software ? "software" : "gpu"}`, what: `a layer and token, ${where}`, value: plain, unit },
      {
        id: `dispatches.${software ? "software" : "gpu"}.inhibited`,
        what: `a layer and token, inhibited, ${where}`,
        value: plain + more,
        unit,
      },
    ];
  });
  inhibitor.dispose();
  return figures;
}

/** Submits for one token of an answer, including the choice of the next. */
async function submitFigure(gpu: Gpu, { decoder, cache, spec }: DecoderSubject): Promise<Figure> {
  const ids = Array.from({ length: spec.vocabularySize }, (_, id) => id);
  const sequence = new Sequence(gpu, decoder, cache, sequenceBuffers(gpu, decoder, ids));
  const rows = { ids: Uint32Array.of(1, 2), positions: Uint32Array.of(0, 1), visible: causalRanges(2) };
  const prompt = { ...rows, pictures: [], nextPosition: 2 };
  await gpu.compile((recorder) => sequence.rehearse(recorder));
  await sequence.prefill(prompt);
  await sequence.step(GREEDY);
  const { queue } = gpu.device;
  const submit = queue.submit;
  let submits = 0;
  queue.submit = (buffers) => {
    // Empty ones only poll.
    if ([...buffers].length > 0) submits++;
    submit.call(queue, buffers);
  };
  try {
    await sequence.step(GREEDY);
  } finally {
    queue.submit = submit;
  }
  return { id: "submits", what: "a token, with the choice of the next", value: submits, unit: "submits" };
}
