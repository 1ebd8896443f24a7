/**
 * Models that read pictures of any shape with positions on three axes: pictures of several sizes, conversations with a
 * picture in each turn, and what is reused.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Fovea, type Message } from "../../src/index.ts";
import { describeShared, needing, sharedUrl } from "../support/shared.ts";

const FOLDERS = ["qwen2_5_vl-windows-bf16", "qwen3_vl-bf16"];
const VMTC = { method: "vmtc", ratio: 0.5 } as const;
const SHAPES = [
  [60, 40],
  [40, 60],
  [90, 90],
  [200, 20],
] as const;

function picture(width: number, height: number, seed = 37): ImageData {
  const image = new ImageData(width, height);
  for (const i of image.data.keys()) image.data[i] = i % 4 === 3 ? 255 : (i * seed + ((i * i) % 91)) % 256;
  return image;
}

const asked = (image: ImageData, text: string): Message => ({
  role: "user",
  content: [
    { type: "image", image },
    { type: "text", text },
  ],
});

describeShared.for(FOLDERS)(needing("golden/families", "%s"), (folder) => {
  let fovea: Fovea;
  /** Labels of the pipelines that were made. */
  const made: string[] = [];
  beforeAll(async () => {
    for (const name of ["createComputePipeline", "createComputePipelineAsync"] as const) {
      const original = GPUDevice.prototype[name] as (descriptor: GPUComputePipelineDescriptor) => never;
      vi.spyOn(GPUDevice.prototype, name).mockImplementation(function (this: GPUDevice, descriptor) {
        made.push(String(descriptor.label));
        return original.call(this, descriptor);
      });
    }
    fovea = await Fovea.load(sharedUrl(`golden/families/${folder}/model`), {
      maxContext: 400,
      weights: "f32",
      precision: "f32",
    });
  });
  afterAll(() => {
    vi.restoreAllMocks();
    fovea.dispose();
  });

  test("needs no pipeline beyond those of loading, whatever the size", async () => {
    expect(made.length).toBeGreaterThan(10);
    made.length = 0;
    const idle = fovea.memory.gpuBytes;
    const merges = !folder.startsWith("qwen2_5");
    const grids = new Set<string>();
    for (const [width, height] of SHAPES)
      for (const compression of [{ method: "none" } as const, ...(merges ? [VMTC] : [])]) {
        const { views, features } = await fovea.encodeImage(picture(width, height), { compression });
        grids.add(`${views[0]!.rows} x ${views[0]!.cols}`);
        expect(features.data.every(Number.isFinite)).toBe(true);
      }
    expect(grids.size).toBeGreaterThan(2);
    expect(made).toEqual([]);
    expect(fovea.memory.gpuBytes).toBe(idle);
  });

  test("goes on from kept rows and pictures as from none", async () => {
    const compression = folder.startsWith("qwen2_5") ? ({ method: "diverse", ratio: 0.5 } as const) : VMTC;
    for (const settings of [{}, { compression, inhibition: { maxRatio: 0.6 } }]) {
      const options = { ...settings, maxTokens: 6 };
      const first = asked(picture(60, 40), "What is it?");
      const begun = await fovea.generate({ messages: [first], ...options }).text();
      const messages: Message[] = [
        first,
        { role: "assistant", content: begun },
        asked(picture(40, 90, 53), "And this?"),
      ];
      const second = fovea.generate({ messages, ...options });
      const text = await second.text();
      expect(second.stats!.pictures.map(({ reused }) => reused)).toEqual([true, false]);
      expect(second.stats!.pictures.every(({ maxPixels }) => maxPixels! > 1000)).toBe(true);

      // An inspection forgets what was kept.
      const { greedy, prompt } = await fovea.inspect({ messages, ...settings, greedySteps: 6 });
      const again = await fovea.generate({ messages, ...options }).text();
      expect(text).toBe(again);
      expect(greedy).toHaveLength(6);
      expect(prompt.pictures).toHaveLength(2);
    }
  });

  test("reads a picture across two chunks as one in a single chunk", async () => {
    const first: Message = { role: "user", content: "What is it? ".repeat(folder.startsWith("qwen2_5") ? 8 : 12) };
    const options = { maxTokens: 12 };
    await fovea.generate({ messages: [first], ...options }).text();
    const messages = [first, { role: "assistant", content: "A." } as const, asked(picture(200, 200), "And this?")];
    // From the kept rows on, the picture is in the first chunk.
    const kept = fovea.generate({ messages, ...options });
    const text = await kept.text();
    expect(kept.stats!.reusedTokens).toBeGreaterThan(80);
    // An inspection forgets what was kept. Chunks have 128 rows.
    const { start, count } = (await fovea.inspect({ messages })).prompt.pictures[0]![0]!;
    expect([start < 128, start + count > 128]).toEqual([true, true]);
    expect(await fovea.generate({ messages, ...options }).text()).toBe(text);
  });

  test("keeps the places of cells and of later text, however many cells are left", async () => {
    const messages: Message[] = [
      asked(picture(60, 40), "What is it?"),
      { role: "assistant", content: "A pattern." },
      asked(picture(40, 90, 53), "And this?"),
    ];
    const methods = [
      { method: "diverse", ratio: 0.5 },
      { method: "prune-last", ratio: 0.5 },
      { method: "pool", factor: 2 },
    ] as const;
    const whole = await fovea.inspect({ messages });
    for (const compression of [...methods, ...(folder.startsWith("qwen2_5") ? [] : [VMTC])]) {
      const less = await fovea.inspect({ messages, compression });
      const axes = (inspection: typeof whole, row: number) =>
        [0, 1, 2].map((axis) => inspection.prompt.positions.data[axis * inspection.prompt.ids.length + row]!);
      // Text after the pictures counts as if all cells were there.
      expect(axes(less, less.prompt.ids.length - 1)).toEqual(axes(whole, whole.prompt.ids.length - 1));
      for (const [index, runs] of less.prompt.pictures.entries()) {
        const [all, kept] = [whole.prompt.pictures[index]![0]!, runs[0]!];
        expect(kept.count).toBeLessThan(all.count);
        const places = Array.from({ length: all.count }, (_, i) => String(axes(whole, all.start + i)));
        for (let i = 0; i < kept.count; i++) expect(places).toContain(String(axes(less, kept.start + i)));
      }
    }
  });
});
