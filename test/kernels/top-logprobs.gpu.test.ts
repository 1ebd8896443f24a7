import { describe, expect, test } from "vitest";
import { readTensor } from "../../src/gpu/readback.ts";
import { NO_TOKEN } from "../../src/kernels/token-embed.ts";
import { topLogprobs } from "../../src/kernels/top-logprobs.ts";
import { logSoftmax, topIds } from "../reference/top-logprobs.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";

describe("top-logprobs", () => {
  const { gpu } = useGpu();

  async function list(given: {
    logits: ArrayLike<number>;
    token: number;
    count: number;
    banned?: number[];
    software?: boolean;
  }) {
    const { logits, token, count, banned = [], software = true } = given;
    const V = logits.length;
    const words = new Uint32Array(Math.ceil(V / 32)).fill(0xffffffff);
    for (const id of banned) words[id >> 5]! &= ~(1 << (id & 31));
    const ids = outputTensor(gpu(), [21], "u32");
    const logprobs = outputTensor(gpu(), [21]);
    const tensors = {
      logits: inputTensor(gpu(), [V], logits),
      allowed: inputTensor(gpu(), [words.length], words, "u32"),
      token: inputTensor(gpu(), [1], [token], "u32"),
    };
    const record = withCapabilities({ software }, (recorder) =>
      topLogprobs(recorder, { ...tensors, ids, logprobs, count }),
    );
    const found = await runAndRead(gpu(), logprobs, record);
    const foundIds = Array.from(await readTensor(gpu(), ids)).slice(0, 1 + count);
    return { ids: foundIds, logprobs: found.slice(0, 1 + count) };
  }

  async function check(given: Parameters<typeof list>[0]) {
    const found = await list(given);
    const expected = [given.token, ...topIds(given.logits, given.count, given.banned)];
    expect(found.ids).toEqual(expected);
    const all = logSoftmax(given.logits);
    expectClose(
      "logprobs",
      found.logprobs,
      expected.map((id) => all[id]!),
      1e-5,
      1e-5,
    );
  }

  // Below and above the blocks of 64 or 256 and the invocations of one block; no multiples of 32.
  for (const [V, count, software] of [
    [1, 1, true],
    [7, 5, true],
    [200, 20, true],
    [5003, 20, true],
    [5003, 0, true],
    [300, 20, false],
    [70_001, 20, false],
  ] as const)
    test(`${count} of ${V} logits, software ${software}`, async () => {
      const random = freshRandom("top-logprobs");
      const logits = random.floats(V, 6);
      const banned = Array.from({ length: V }, (_, id) => id).filter(() => V > 50 && random.uniform() < 0.2);
      await check({ logits, token: random.integer(0, V - 1), count, banned, software });
    });

  test.for([true, false])("lists equal logits by id, also within one block, software %s", async (software) => {
    await check({ logits: new Float32Array(1000), token: 3, count: 20, software });
    const logits = new Float32Array(2000).fill(-1);
    for (const id of [5, 5 + 256, 5 + 512, 5 + 1024, 69, 1999]) logits[id] = 2;
    await check({ logits, token: 5, count: 10, banned: [5 + 256], software });
  });

  test("says where there are fewer tokens than asked for", async () => {
    const { ids } = await list({ logits: [1, 2, 3], token: 0, count: 4, banned: [2] });
    expect(ids).toEqual([0, 1, 0, NO_TOKEN, NO_TOKEN]);
  });

  test("huge and far logits", async () => {
    await check({ logits: [1000, 999, -1000], token: 2, count: 3 });
    await check({ logits: [-3e4, -3e4 + 2, -5e4], token: 0, count: 3 });
  });

  test("refuses more than 20", async () => {
    await expect(list({ logits: [1], token: 0, count: 21 })).rejects.toThrow(RangeError);
  });
});
