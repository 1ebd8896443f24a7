/** What `attention: true` tells of an answer: where its tokens looked, and that looking changes nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerAttention, GenerateRequest, GenerationEvent } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { ceilRank } from "../../src/model/inhibition/plan.ts";
import { chatFiles } from "../support/chat-files.ts";
import { useDevice } from "../support/gpu.ts";

const COMPRESSION = { method: "vmtc", tokens: 10 } as const;

function picture(seed: number): ImageData {
  const image = new ImageData(30, 20);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * (seed + 3)) % 251;
  return image;
}

describe("where an answer looked", () => {
  const { device } = useDevice();
  let fovea: Fovea;
  beforeAll(async () => {
    fovea = await Fovea.load(await chatFiles(), { maxContext: 400, device: device() });
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  async function ask(options: Partial<GenerateRequest>, pictures = 1) {
    const images = Array.from({ length: pictures }, (_, i) => ({ type: "image" as const, image: picture(i) }));
    const content = [...images, { type: "text" as const, text: "What is this?" }];
    const events: GenerationEvent[] = [];
    const request = { messages: [{ role: "user" as const, content }], maxTokens: 9, compression: COMPRESSION };
    for await (const event of fovea.generate({ ...request, ...options })) events.push(event);
    const text = events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join("");
    const attention = events.find((event) => event.type === "attention");
    return { text, attention };
  }

  /** Throws unless exactly the columns below the cut of each row are inhibited. */
  function checkMasks({ layers }: AnswerAttention) {
    for (const { ratio, focus, inhibited } of layers) {
      const cut = ceilRank(ratio, focus.cols);
      for (let row = 0; row < focus.rows; row++) {
        const scores = focus.data.subarray(row * focus.cols, (row + 1) * focus.cols);
        const least = scores.slice().sort()[cut]!;
        expect([...inhibited.subarray(row * focus.cols, (row + 1) * focus.cols)]).toEqual(
          [...scores].map((score) => Number(score < least)),
        );
        expect(Math.max(...scores)).toBeGreaterThan(0);
      }
    }
  }

  test("every layer, a row a token, and the mask that belongs to the focus", async () => {
    const plain = await ask({});
    expect(plain.attention).toBeUndefined();
    const { text, attention } = await ask({ attention: true });
    expect(text).toBe(plain.text);
    const { ends, layers } = attention!;
    expect(ends.length).toBe(9);
    expect(ends.at(-1)).toBe(text.length);
    expect([...ends]).toEqual([...ends].sort((a, b) => a - b));
    expect(layers.map(({ layer }) => layer)).toEqual(layers.map((_, i) => i));
    expect(layers[0]!.ratio).toBe(0);
    expect(layers.at(-1)!.ratio).toBe(0.6);
    for (const { focus } of layers) expect([focus.rows, focus.cols]).toEqual([9, COMPRESSION.tokens]);
    checkMasks(attention!);
  });

  test("the rows are those of their tokens, however many follow", async () => {
    const long = (await ask({ attention: true })).attention!;
    const short = (await ask({ attention: true, maxTokens: 4 })).attention!;
    for (const [i, { focus, inhibited }] of short.layers.entries()) {
      expect(focus.data).toEqual(long.layers[i]!.focus.data.subarray(0, focus.data.length));
      expect(inhibited).toEqual(long.layers[i]!.inhibited.subarray(0, inhibited.length));
    }
    // Otherwise the comparison shows nothing.
    const { data, cols } = long.layers[1]!.focus;
    expect(data.subarray(0, cols)).not.toEqual(data.subarray(cols, 2 * cols));
  });

  test("without inhibition the layers only look", async () => {
    const off = { inhibition: { maxRatio: 0 } };
    const { text, attention } = await ask({ ...off, attention: true });
    expect(text).toBe((await ask(off)).text);
    expect(attention!.layers.length).toBeGreaterThan(1);
    expect(attention!.layers.every(({ ratio, inhibited }) => ratio === 0 && !inhibited.includes(1))).toBe(true);
    checkMasks(attention!);
  });

  test("two pictures stand side by side, and no picture has no layers", async () => {
    const { attention } = await ask({ attention: true }, 2);
    expect(attention!.layers[0]!.focus.cols).toBe(2 * COMPRESSION.tokens);
    checkMasks(attention!);
    expect((await ask({ attention: true }, 0)).attention!.layers).toEqual([]);
  });

  test("leaves no memory behind, and refuses what is no yes or no", async () => {
    await ask({});
    const before = fovea.memory.gpuBytes;
    await ask({ attention: true });
    await ask({});
    expect(fovea.memory.gpuBytes).toBe(before);
    await expect(ask({ attention: "yes" as never })).rejects.toThrow(TypeError);
  });
});
