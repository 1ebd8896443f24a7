/** Pictures whose rows a prompt takes as one map of tiles: events, compression, several turns and several pictures. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Compression, Fovea, type GenerateRequest, type GenerationEvent, type Message } from "../../src/index.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedBytes, sharedUrl } from "../support/shared.ts";

type ImageEvent = Extract<GenerationEvent, { type: "image" }>;

/** Views of 28 pixels, 4 x 4 patches of 7. */
const FOLDER = "golden/families/llava_onevision-qwen2-tied-bf16";
const SIDE = 4;
const NOWHERE = 2 ** 32 - 1;

const { device } = useDevice();
let fovea: Fovea;
/** 37 x 187: four tiles one above the other, no padding after the patches are counted. */
let tall: Blob;
/** 231 x 43: four tiles side by side, whose first and last line are padding. */
let wide: Blob;

beforeAll(async () => {
  const picture = async (name: string) => new Blob([await sharedBytes(`golden/families/pictures/${name}.png`)]);
  [tall, wide] = await Promise.all([picture("tall_37x187"), picture("wide_231x43")]);
  fovea = await Fovea.load(sharedUrl(`${FOLDER}/model`), {
    maxContext: 512,
    weights: "f32",
    precision: "f32",
    device: device(),
  });
});
afterAll(() => {
  fovea.dispose();
  expect(fovea.memory.gpuBytes).toBe(0);
});

const shown = (...images: Blob[]): Message[] => [
  {
    role: "user",
    content: [...images.map((image) => ({ type: "image" as const, image })), { type: "text", text: "What is it?" }],
  },
];

async function ask(messages: Message[], options: Partial<GenerateRequest> = {}) {
  const generation = fovea.generate({ messages, maxTokens: 2, ...options });
  const events: GenerationEvent[] = [];
  for await (const event of generation) events.push(event);
  const images = events.filter((event): event is ImageEvent => event.type === "image");
  const attention = events.find((event) => event.type === "attention");
  return { images, attention, stats: generation.stats! };
}

test("columns of the whole picture, then of the tiles line by line", async () => {
  const { images, stats } = await ask(shown(tall));
  const [{ tokens, views }] = images as [ImageEvent];
  expect(tokens).toBe(16 + 16 * (SIDE + 1));
  expect(stats.imageTokensBefore).toBe(tokens);
  expect([...views[0]!.columns]).toEqual(Array.from({ length: 16 }, (_, i) => i));
  for (const tile of [0, 1, 2, 3])
    expect([...views[tile + 1]!.columns]).toEqual(
      Array.from({ length: 16 }, (_, i) => 16 + (4 * tile + Math.floor(i / 4)) * (SIDE + 1) + (i % 4)),
    );
  // 23 of the 28 pixels across are the picture's.
  const [x, y] = [37 / 23, 187 / 112];
  for (const tile of [0, 1, 2, 3])
    for (const [i, value] of [x, 0, 0, y, -2 * x, 28 * tile * y].entries())
      expect(views[tile + 1]!.toPicture[i]).toBeCloseTo(value, 9);
});

test("padding has no column", async () => {
  const { images } = await ask(shown(wide));
  const [{ tokens, views }] = images as [ImageEvent];
  expect(tokens).toBe(16 + 2 * (16 + 1));
  expect([...views[2]!.columns]).toEqual([
    ...Array.from({ length: 4 }, () => NOWHERE),
    ...[20, 21, 22, 23, 37, 38, 39, 40],
    ...Array.from({ length: 4 }, () => NOWHERE),
  ]);
});

const COMPRESSIONS: Compression[] = [
  { method: "vmtc", ratio: 0.5 },
  { method: "vmtc", ratio: 0.25, stages: 2, clusters: 1 },
  { method: "prune-last", tokens: 23 },
  { method: "prumerge", ratio: 0.5 },
  { method: "prumerge" },
  { method: "diverse", tokens: 21 },
  { method: "pool", factor: 2 },
];

test.for(COMPRESSIONS)("%j orders rows by the cells that they stand for", async (compression) => {
  const { images } = await fovea.inspect({ messages: shown(wide), compression, inhibition: { maxRatio: 0.6 } });
  const [{ views, projected }] = images as [(typeof images)[number]];
  const { images: seen } = await ask(shown(wide), { compression });
  const [{ tokens, views: places }] = seen as [ImageEvent];
  expect(projected.rows).toBe(tokens);

  // Rows by lines of the map, written from the owners alone; the summed row of PruMerge has none there.
  const rows = places.map(({ columns }) => columns.length);
  expect([...places[0]!.columns]).toEqual(Array.from({ length: rows[0]! }, (_, i) => i));
  const lines = new Map<number, number[]>();
  for (const [index, view] of views.entries()) {
    if (index === 0 || compression.method === "pool") continue;
    for (const [row, owner] of [...view.owners].entries()) {
      const line = Math.floor(owner / SIDE);
      const column = places[index]!.columns[row]!;
      expect(column === NOWHERE).toBe(line === 0 || line === SIDE - 1);
      if (column !== NOWHERE) lines.set(line, [...(lines.get(line) ?? []), column]);
    }
  }
  const [upper = [], lower = []] = [lines.get(1), lines.get(2)];
  if (upper.length > 0 && lower.length > 0) expect(Math.max(...upper)).toBeLessThan(Math.min(...lower) - 1);

  const columns = places.flatMap((view) => [...view.columns]).filter((column) => column !== NOWHERE);
  expect(new Set(columns).size).toBe(columns.length);
  expect(Math.max(...columns)).toBeLessThan(tokens);
  // Each of the one or two lines ends with a row of its own.
  const ends = tokens - columns.length;
  expect(ends).toBeGreaterThanOrEqual(Math.max(1, lines.size));
  expect(ends).toBeLessThanOrEqual(2);
});

test("inhibition counts the learned rows among the picture's", async () => {
  const { attention, images } = await ask(shown(wide), { attention: true, inhibition: { maxRatio: 0.6 } });
  const layers = attention?.type === "attention" ? attention.layers : [];
  expect(layers.length).toBeGreaterThan(0);
  for (const { focus } of layers) expect(focus.cols).toBe(images[0]!.tokens);
});

test("a second turn reuses the picture; with a second picture each has one view", async () => {
  const reused = ({ stats }: Awaited<ReturnType<typeof ask>>) => stats.pictures.map((picture) => picture.reused);
  const first = shown(tall);
  await ask(first);
  const more: Message[] = [...first, { role: "assistant", content: "A cup." }, { role: "user", content: "Sure?" }];
  const again = await ask(more);
  expect(reused(again)).toEqual([true]);
  const both = await ask([...more, { role: "assistant", content: "Yes." }, ...shown(wide)]);
  expect(both.images.map(({ tokens, views }) => [tokens, views.length])).toEqual([
    [17, 1],
    [17, 1],
  ]);
  expect(reused(both)).toEqual([false, false]);
  expect(reused(await ask(first))).toEqual([true]);
});

test("original positions are refused, with the way out", async () => {
  const compression: Compression = { method: "vmtc", positions: "original" };
  await expect(ask(shown(tall), { compression })).rejects.toThrow(/"original" needs rows of cells alone.*"contiguous"/);
});
