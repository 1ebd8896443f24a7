/** Pictures in lines: the tokens after lines under every compression, and what a second question finds done. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Compression, Message } from "../../src/api.ts";
import { Fovea } from "../../src/index.ts";
import { useDevice } from "../support/gpu.ts";
import { needing, sharedBytes, sharedUrl, testShared } from "../support/shared.ts";

const FOLDER = "golden/families/mistral3-published-bf16";
const [IMAGE, LINE_END, END] = [10, 12, 13];
const PICTURES = ["golden/families/pictures/mistral3-tall.png", "real/photos/chelsea.jpg"];

const COMPRESSIONS: Compression[] = [
  { method: "vmtc", ratio: 0.4 },
  { method: "diverse", tokens: 6 },
  { method: "prune-last", ratio: 0.25 },
  { method: "prumerge", tokens: 7 },
  { method: "pool", factor: 2 },
];

describe("Mistral 3", () => {
  let fovea: Fovea;
  let images: Blob[];
  const { device } = useDevice();
  beforeAll(async () => {
    fovea = await Fovea.load(sharedUrl(`${FOLDER}/model`), {
      weights: "f32",
      precision: "f32",
      cache: "none",
      device: device(),
    });
    images = await Promise.all(PICTURES.map(async (file) => new Blob([await sharedBytes(file)])));
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  const asked = (): Message[] => [
    {
      role: "user",
      content: [...images.map((image) => ({ type: "image" as const, image })), { type: "text", text: "Which?" }],
    },
  ];

  testShared.for(COMPRESSIONS)(needing(FOLDER, "%j keeps a token after each line with rows"), async (compression) => {
    const { prompt, images: seen } = await fovea.inspect({
      messages: asked(),
      compression,
      inhibition: { maxRatio: 0.5 },
    });
    const ids = [...prompt.ids];
    let at = ids.indexOf(IMAGE);
    for (const [index, { views, projected }] of seen.entries()) {
      const { rows, cols, cell, owners, kept } = views[0]!;
      const [height, width] = [rows / cell, cols / cell];
      const left = Array.from(kept ?? owners);
      const counts = new Array<number>(height).fill(0);
      if (compression.method === "pool")
        for (let line = 0; line < height; line += 2) counts[line] = Math.ceil(width / 2);
      else for (const owner of left) counts[Math.floor(owner / width)]!++;
      // The row that PruMerge adds, where it drops any, belongs to a dropped cell.
      const added = projected.rows - counts.reduce((sum, count) => sum + count, 0);
      expect(added === 0 || (compression.method === "prumerge" && added === 1)).toBe(true);
      const lines = prompt.pictures[index]!.map(({ count }) => count);
      if (added === 0) expect(lines).toEqual(counts.filter((count) => count > 0));
      expect(lines.reduce((sum, count) => sum + count)).toBe(projected.rows);
      for (const [line, count] of lines.entries()) {
        expect(ids.slice(at, at + count)).toEqual(new Array<number>(count).fill(IMAGE));
        expect(ids[at + count]).toBe(line + 1 < lines.length ? LINE_END : END);
        at += count + 1;
      }
    }
    expect(ids.slice(at)).not.toContain(IMAGE);
  });

  testShared(
    needing(FOLDER, "a second question reuses pictures and rows, and gets the answer of a fresh model"),
    async () => {
      const options = {
        maxTokens: 5,
        compression: { method: "vmtc", ratio: 0.5 },
        inhibition: { maxRatio: 0.6 },
      } as const;
      const first = await fovea.generate({ messages: asked(), ...options }).text();
      const messages: Message[] = [
        ...asked(),
        { role: "assistant", content: first },
        {
          role: "user",
          content: [
            { type: "image", image: images[1]! },
            { type: "text", text: "And this?" },
          ],
        },
      ];
      const second = fovea.generate({ messages, ...options });
      const text = await second.text();
      expect(second.stats!.pictures.map(({ reused }) => reused)).toEqual([true, true, true]);
      expect(second.stats!.reusedTokens).toBeGreaterThan(20);
      const fresh = await Fovea.load(sharedUrl(`${FOLDER}/model`), {
        weights: "f32",
        precision: "f32",
        cache: "none",
        device: device(),
      });
      expect(await fresh.generate({ messages, ...options }).text()).toBe(text);
      fresh.dispose();
    },
  );
});
