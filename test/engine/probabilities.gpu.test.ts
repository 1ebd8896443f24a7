/** Bias, penalties, min-p and log-probabilities of whole answers, compared with plain sampling on the model's own logits. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerToken, GenerateRequest, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { adjustLogits } from "../reference/adjust-logits.ts";
import { sampleDistribution } from "../reference/sample.ts";
import { sampleDraw } from "../reference/sample-draw.ts";
import { logSoftmax, topIds } from "../reference/top-logprobs.ts";
import { expectClose } from "../support/compare.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";

const messages: Message[] = [{ role: "user", content: "Tell me about rivers." }];
const STEPS = 8;

const { device } = useDevice();
let fovea: Fovea;
beforeAll(async () => {
  fovea = await Fovea.load(sharedUrl("golden/families/text-smollm3/model"), {
    weights: "f32",
    precision: "f32",
    device: device(),
  });
});
afterAll(() => fovea.dispose());

/** Tokens and text of an answer. */
async function answer(request: Partial<GenerateRequest>) {
  const tokens: AnswerToken[] = [];
  let text = "";
  for await (const event of fovea.generate({ messages, maxTokens: STEPS, topLogprobs: 5, ...request })) {
    if (event.type === "logprobs") tokens.push(...event.tokens);
    if (event.type === "text") text += event.text;
  }
  return { tokens, text };
}

/** Logits of the last row, by a run of all rows. */
async function lastLogits(inputIds: number[]): Promise<Float32Array> {
  const { logits } = await fovea.inspect({ inputIds });
  return logits.data.slice(-logits.cols);
}

/** The same answer, from logits of whole runs, in f64. */
async function reference(request: Partial<GenerateRequest>) {
  const { prompt } = await fovea.inspect({ messages });
  const before = Array.from(prompt.ids);
  const generated: number[] = [];
  const rows: Float32Array[] = [];
  const { temperature = 0, minP = 0, topP = 1, seed = 0 } = request;
  for (let step = 0; step < STEPS; step++) {
    const seen = [...before, ...generated];
    const logits = await lastLogits(seen);
    const bias = new Map(Object.entries(request.logitBias ?? {}).map(([id, value]) => [Number(id), value]));
    const kept = sampleDistribution(adjustLogits(logits, { ...request, bias, seen, generated }), {
      temperature,
      minP,
      topP,
    });
    generated.push(sampleDraw(kept, seed, step));
    rows.push(logits);
  }
  return { generated, rows };
}

describe("whole answers", () => {
  const likely = { repetitionPenalty: 1.2, presencePenalty: 0.4, frequencyPenalty: 0.3 };
  test.for<[string, Partial<GenerateRequest>]>([
    ["greedy", {}],
    ["greedy with presence", { presencePenalty: 2 }],
    ["greedy with frequency", { frequencyPenalty: 1.5 }],
    ["greedy with a reward for what was said", { frequencyPenalty: -2 }],
    ["greedy with all penalties", likely],
    ["greedy with a bias", { logitBias: { 70: 3, 71: 2.9, 72: -100 } }],
    ["sampled with min-p", { temperature: 1.2, minP: 0.4, seed: 5 }],
    ["sampled with everything", { ...likely, temperature: 0.8, minP: 0.1, topP: 0.95, seed: 9, logitBias: { 80: 4 } }],
  ])("%s", async ([, request]) => {
    const found = await answer(request);
    const { generated, rows } = await reference(request);
    expect(found.tokens.map(({ id }) => id)).toEqual(generated);
    for (const [step, { id, logprob, top }] of found.tokens.entries()) {
      const expected = logSoftmax(rows[step]!);
      const ids = topIds(rows[step]!, 5);
      expect(top.map((token) => token.id)).toEqual(ids);
      const values = [id, ...ids].map((one) => expected[one]!);
      expectClose("logprobs", [logprob, ...top.map((token) => token.logprob)], values, 1e-4, 1e-4);
    }
  });

  test("bytes of the tokens make up the text", async () => {
    const { tokens, text } = await answer({ maxTokens: 30 });
    const bytes = tokens.flatMap((token) => Array.from(token.bytes));
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(text);
    for (const { top } of tokens) expect(top).toHaveLength(5);
  });

  test("tokens of a stop string are not told", async () => {
    const whole = await answer({ maxTokens: 30 });
    const middle = whole.text.slice(10, 14);
    const { tokens, text } = await answer({ maxTokens: 30, stop: [middle] });
    expect(whole.text.startsWith(text)).toBe(true);
    const told = new TextDecoder().decode(Uint8Array.from(tokens.flatMap((token) => Array.from(token.bytes))));
    expect(told.startsWith(text)).toBe(true);
    // At most the token that the stop string begins in goes beyond the text.
    const begun = tokens.slice(0, -1).flatMap((token) => Array.from(token.bytes));
    expect(new TextDecoder().decode(Uint8Array.from(begun)).length).toBeLessThanOrEqual(text.length);
  });

  test("without topLogprobs nothing is told; with 0 the chosen token alone", async () => {
    expect((await answer({ topLogprobs: undefined as never })).tokens).toEqual([]);
    const { tokens } = await answer({ topLogprobs: 0 });
    expect(tokens).toHaveLength(STEPS);
    expect(tokens.every(({ top }) => top.length === 0)).toBe(true);
  });

  test("refuses ids that the model lacks", async () => {
    await expect(answer({ logitBias: { 100000: 1 } })).rejects.toThrow(/^logitBias must name ids from 0 to \d+/);
  });
});
