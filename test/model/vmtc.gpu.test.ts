/**
 * One compression stage on the GPU against the plain route in float64: random sizes and settings, and the corner cases
 * of the specification. Importance comes from real attention, so that the whole of a stage's arithmetic is judged.
 */
import { describe, expect, test } from "vitest";
import { readStages } from "../../src/engine/stages.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { attention } from "../../src/kernels/attention.ts";
import { importance } from "../../src/kernels/importance.ts";
import { initialOrigins, originWords } from "../../src/kernels/origins.ts";
import { viewRanges } from "../../src/model/visible.ts";
import { compressStage } from "../../src/model/vmtc.ts";
import { attention as attentionReference } from "../reference/attention.ts";
import { importance as importanceReference } from "../reference/importance.ts";
import { type Stage, compressStage as stageReference } from "../reference/model/vmtc.ts";
import { initialOrigins as initialReference } from "../reference/origins.ts";
import { expectNmse, nmse } from "../support/compare.ts";
import { freshRandom, type Random, useGpu } from "../support/gpu.ts";
import { NMSE_MODEL } from "../support/tolerances.ts";

interface Case {
  tokens: number; // N
  heads: number;
  headWidth: number;
  classToken: boolean;
  left: number; // n
  clusters: number;
  normalized: boolean;
  iterations: number;
  hidden: Float32Array; // [first + N, C]
  qkv: Float32Array; // [first + N, 3 C]
}

const firstOf = ({ classToken }: Case) => (classToken ? 1 : 0);
const widthOf = ({ heads, headWidth }: Case) => heads * headWidth;

async function onGpu(gpu: Gpu, input: Case) {
  const { tokens, heads, headWidth, classToken, left, clusters, normalized, iterations } = input;
  const [first, width] = [firstOf(input), widthOf(input)];
  const rows = first + tokens;
  const arena = gpu.arena.scope();
  const tensor = (shape: number[], values: ArrayLike<number>, type: "f32" | "u32" = "f32") => {
    const result = arena.tensor("input", shape, type);
    gpu.upload(result, type === "f32" ? Float32Array.from(values) : Uint32Array.from(values));
    return result;
  };
  const hidden = tensor([rows, width], input.hidden);
  const qkv = tensor([rows, 3 * width], input.qkv);
  const origins = tensor([1, tokens, originWords(tokens)], initialOrigins(tokens, 1), "u32");
  const scores = arena.tensor("scores", [1, tokens]);
  const logSumExp = arena.tensor("log-sum-exp", [rows, heads]);
  const y = arena.tensor("attended", [rows, width]);
  const output = arena.tensor("output", [first + left, width]);
  const visible = tensor([rows, 2], viewRanges(1, rows), "u32");
  const packed = (part: number) => ({ tensor: qkv, stride: 3 * width, offset: part * width });
  const operands = { q: packed(0), k: packed(1), heads, headWidth, scale: 1 / Math.sqrt(headWidth) };
  const plan = { block: 0, before: tokens, tokens: left, primary: left - clusters, clusters };
  let stage!: ReturnType<typeof compressStage>;
  const record = (pass: Recorder) => {
    attention(pass, { ...operands, v: packed(2), visible, y, logSumExp, rows, keys: rows, keyHeads: heads });
    importance(pass, { ...operands, logSumExp, scores, classToken, seats: 1 });
    const args = { plan, iterations, normalized, first, scores, origins, hidden, output };
    stage = compressStage(pass, { ...args, kept: arena, scratch: arena });
  };
  await gpu.compile(record);
  gpu.submit("stage", record);
  const [read] = await readStages(gpu, [{ ...stage, tokens: output }]);
  arena.dispose();
  return read!;
}

function inFloat64(input: Case): Stage {
  const { tokens, heads, headWidth, classToken, left, clusters, normalized, iterations } = input;
  const width = widthOf(input);
  const part = (index: number) =>
    Float64Array.from(
      { length: input.hidden.length },
      (_, i) => input.qkv[Math.floor(i / width) * 3 * width + index * width + (i % width)]!,
    );
  const shape = { heads, keyHeads: heads, headWidth };
  const { logSumExp } = attentionReference(part(0), part(1), part(2), shape);
  const scores = importanceReference(part(0), part(1), logSumExp, shape, classToken, 1);
  return stageReference(Float64Array.from(input.hidden), width, scores, initialReference(tokens), 0, {
    tokens: left,
    clusters,
    merge: normalized ? "normalized" : "raw",
    iterations,
  });
}

const decisions = ({ primary, labels }: Pick<Stage, "primary" | "labels">) => JSON.stringify([primary, labels]);

/** Whether rounding as of f32 leaves every decision of the reference as it is: three tries with noise of one part in a million. */
function hasMargin(input: Case, expected: Stage, random: Random): boolean {
  const noisy = (values: Float32Array) => values.map((value) => value * (1 + 1e-6 * (2 * random.uniform() - 1)));
  return [1, 2, 3].every(() => {
    const other = inFloat64({ ...input, hidden: noisy(input.hidden), qkv: noisy(input.qkv) });
    return decisions(other) === decisions(expected);
  });
}

function randomCase(random: Random): Case {
  const tokens = random.integer(2, 90);
  const heads = random.integer(1, 4);
  const headWidth = [1, 4, 7, 16, 32][random.integer(0, 4)]!;
  const classToken = random.uniform() < 0.5;
  const left = random.integer(1, tokens - 1);
  const clusters = [0, 1, left, random.integer(0, left), Math.min(left, Math.max(1, Math.round(0.156 * left)))];
  const rows = tokens + (classToken ? 1 : 0);
  const width = heads * headWidth;
  return {
    tokens,
    heads,
    headWidth,
    classToken,
    left,
    clusters: clusters[random.integer(0, 4)]!,
    normalized: random.uniform() < 0.7,
    iterations: random.uniform() < 0.8 ? 10 : random.integer(1, 3),
    hidden: random.floats(rows * width),
    qkv: random.floats(rows * 3 * width),
  };
}

/** Fails unless a stage read from the GPU is the expected one. */
function expectStage(actual: Awaited<ReturnType<typeof onGpu>>, expected: Stage, { classToken }: Case): void {
  expect([...actual.primary]).toEqual(expected.primary);
  expect([...actual.redundant]).toEqual(expected.redundant);
  expect([...actual.labels]).toEqual(expected.labels);
  expectNmse("importance", actual.importance, expected.importance, NMSE_MODEL);
  expectNmse("tokens", actual.tokens.data, expected.tokens, NMSE_MODEL);
  const origins = expected.origins.map(({ cells }) => cells);
  expect(actual.origins.map((set) => [...set])).toEqual(classToken ? [[], ...origins] : origins);
}

describe("a compression stage", () => {
  const { gpu } = useGpu();

  test("agrees with float64 on 200 random sizes and settings", { timeout: 300_000 }, async () => {
    const random = freshRandom("vmtc");
    let close = 0;
    for (let agreed = 0; agreed < 200; ) {
      const input = randomCase(random);
      const expected = inFloat64(input);
      if (!hasMargin(input, expected, random)) {
        close++;
        continue;
      }
      expectStage(await onGpu(gpu(), input), expected, input);
      agreed++;
    }
    console.log(`${close} more cases were too close to call in f32`);
    expect(close).toBeLessThan(100);
  });

  /** A case with chosen tokens and importance: one head of width 1 whose class row attends by the keys alone. */
  function chosen(tokens: number[][], weights: number[], left: number, clusters: number): Case {
    const width = tokens[0]!.length;
    const hidden = Float32Array.from([new Array(width).fill(9), ...tokens].flat());
    const qkv = new Float32Array((tokens.length + 1) * 3 * width);
    // q of the class token is (1, 0, ...) and keys are (log weight, 0, ...), scaled as attention will unscale them.
    qkv[0] = Math.sqrt(width);
    weights.forEach((weight, i) => {
      qkv[(i + 1) * 3 * width + width] = Math.log(weight);
    });
    const settings = { left, clusters, normalized: true, iterations: 10 };
    return { tokens: tokens.length, heads: 1, headWidth: width, classToken: true, hidden, qkv, ...settings };
  }

  test("equal importance at the border: the lower index is kept", async () => {
    const input = chosen(
      [
        [1, 0],
        [2, 1],
        [0, 3],
        [4, 4],
      ],
      [2, 1, 1, 1],
      2,
      0,
    );
    expect([...(await onGpu(gpu(), input)).primary]).toEqual([0, 1]);
  });

  test("the class token is neither merged nor counted", async () => {
    const input = chosen(
      [
        [1, 0],
        [2, 1],
        [0, 3],
        [4, 4],
      ],
      [4, 3, 2, 1],
      2,
      1,
    );
    const { tokens, importance: scores, origins } = await onGpu(gpu(), input);
    expect([...tokens.data.subarray(0, 2)]).toEqual([9, 9]);
    // Its own weight is 1 of 11.
    expect([...scores].map((score) => Math.round(score * 11))).toEqual([4, 3, 2, 1]);
    expect(origins[0]).toHaveLength(0);
  });

  test("no primary token, one cluster: everything becomes one token", async () => {
    const input = chosen(
      [
        [1, 0],
        [2, 1],
        [0, 3],
      ],
      [1, 2, 3],
      1,
      1,
    );
    const { primary, labels, tokens, origins } = await onGpu(gpu(), input);
    expect([...primary]).toEqual([]);
    expect([...labels]).toEqual([0, 0, 0]);
    expectNmse("merged", tokens.data.subarray(2), [(1 + 4) / 6, (2 + 9) / 6], 1e-12);
    expect([...origins[1]!]).toEqual([0, 1, 2]);
  });

  test("as many clusters as redundant tokens: each is the token itself", async () => {
    const input = chosen(
      [
        [1, 0],
        [2, 1],
        [0, 3],
        [-4, 4],
      ],
      [1, 2, 9, 3],
      3,
      2,
    );
    const expected = inFloat64(input);
    expectStage(await onGpu(gpu(), input), expected, input);
    const alone = chosen(
      [
        [1, 0],
        [0, 3],
        [-4, 4],
        [5, 5],
      ],
      [1, 2, 3, 9],
      3,
      2,
    );
    const { labels, tokens } = await onGpu(gpu(), alone);
    const single = [...labels].findIndex(
      (label, i, all) => all.filter((other) => other === label).length === 1 && i >= 0,
    );
    const row = tokens.data.subarray((2 + [...labels][single]!) * 2, (3 + [...labels][single]!) * 2);
    expect([...row]).toEqual(
      [
        [1, 0],
        [0, 3],
        [-4, 4],
      ][single],
    );
  });

  test("duplicates and zero tokens give the reference's labels", async () => {
    const tokens = [
      [0, 0],
      [1, 1],
      [0, 0],
      [1, 1],
      [2, 2],
      [-1, 1],
      [0, 0],
    ];
    for (const clusters of [1, 2, 3, 4]) {
      const input = chosen(tokens, [1, 2, 3, 4, 5, 6, 7], clusters + 1, clusters);
      expect([...(await onGpu(gpu(), input)).labels]).toEqual(inFloat64(input).labels);
    }
  });

  test("a cluster whose importance underflows is a plain mean", async () => {
    const input = chosen(
      [
        [2, 0],
        [4, 0],
        [0, 1],
      ],
      [1e-25, 1e-25, 1],
      2,
      1,
    );
    const { tokens } = await onGpu(gpu(), input);
    expectNmse("mean", tokens.data.subarray(4), [3, 0], 1e-12);
  });

  test("results do not depend on the workgroup: the same values twice, bit for bit", async () => {
    const input = randomCase(freshRandom("vmtc twice"));
    const [a, b] = [await onGpu(gpu(), input), await onGpu(gpu(), input)];
    expect(nmse(a.tokens.data, b.tokens.data)).toBe(0);
    expect([...a.labels]).toEqual([...b.labels]);
  });
});
