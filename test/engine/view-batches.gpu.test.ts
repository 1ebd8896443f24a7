/** Pictures whose views are encoded in several batches: reused by later questions, aborted and recovered between two of them. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Sequence } from "../../src/generate/sequence.ts";
import { Fovea, type GenerateRequest, type GenerationEvent, type Message } from "../../src/index.ts";
import { type CountedDevice, countedDevice, expectRefusal, onWork } from "../support/engine.ts";
import { followDevices, loseAt } from "../support/lost-devices.ts";
import { sharedUrl } from "../support/shared.ts";

/** Cells of 4 x 4 patches: four tokens a view. */
const MODEL = "golden/families/smolvlm-s4-tags-bf16/model";
/** Without rows of earlier conversations, which were rounded in batches of other sizes. */
const OPTIONS = { maxContext: 400, keptBytes: 0, weights: "f32", precision: "f32" } as const;
const load = (device?: GPUDevice) => Fovea.load(sharedUrl(MODEL), { ...OPTIONS, ...(device && { device }) });

/** 90 x 60: 3 x 2 tiles and an overview. Another picture for each seed. */
function picture(seed: number): ImageData {
  const image = new ImageData(90, 60);
  for (const i of image.data.keys()) image.data[i] = (i * (seed + 3)) % 251;
  return image;
}

const question = (text: string, image: ImageData): Message => ({
  role: "user",
  content: [
    { type: "image", image },
    { type: "text", text },
  ],
});

/** 17 tokens for seven views: two batches, three views of three tokens and four of two. */
const SETTINGS = {
  compression: { method: "vmtc", tokens: 17 },
  inhibition: { maxRatio: 0.6 },
  maxTokens: 8,
} as const satisfies Partial<GenerateRequest>;

async function ask(fovea: Fovea, messages: Message[], options: Partial<GenerateRequest> = {}) {
  const events: GenerationEvent[] = [];
  for await (const event of fovea.generate({ messages, ...SETTINGS, ...options })) events.push(event);
  const text = events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join("");
  return { events, text, types: events.map(({ type }) => type) };
}

describe("on one device", () => {
  let counted: CountedDevice;
  let fovea: Fovea;
  beforeAll(async () => {
    counted = await countedDevice();
    fovea = await load(counted.device);
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
    counted.release();
  });

  /** Labels of the work that reaches the GPU while `run` runs. */
  async function labelsOf(run: () => Promise<unknown>, onLabel: (label: string) => void = () => {}) {
    const labels: string[] = [];
    const stop = onWork(counted.device, (label) => {
      labels.push(label);
      onLabel(label);
    });
    try {
      await run();
    } finally {
      stop();
    }
    return labels;
  }

  const countOf = (labels: string[], label: string) => labels.filter((one) => one === label).length;

  test("a second question about the picture encodes nothing and runs its own rows only", async () => {
    const prefill = vi.spyOn(Sequence.prototype, "prefill");
    const lastPrefill = () => {
      const [prompt, options] = prefill.mock.lastCall!;
      return { rows: prompt.ids.length, keep: options?.keep ?? 0, runs: prompt.pictures.flat() };
    };
    const turns = [question("What is this?", picture(1))];
    let first!: Awaited<ReturnType<typeof ask>>;
    const labels = await labelsOf(async () => {
      first = await ask(fovea, turns);
    });
    expect(countOf(labels, "vision")).toBe(2);
    const before = lastPrefill();
    expect([before.keep, before.runs.map(({ count }) => count)]).toEqual([0, [3, 3, 3, 2, 2, 2, 2]]);

    turns.push({ role: "assistant", content: first.text }, { role: "user", content: "And why?" });
    let second!: Awaited<ReturnType<typeof ask>>;
    const later = await labelsOf(async () => {
      second = await ask(fovea, turns);
    });
    expect([countOf(later, "vision"), countOf(later, "prefill")]).toEqual([0, 1]);
    const after = lastPrefill();
    // All of the first question stays; the answer's rows do as far as its text gives the same ids again.
    expect(after.keep).toBeGreaterThanOrEqual(before.rows);
    expect(after.runs.map(({ row }) => row)).toEqual(before.runs.map(({ row }) => row));
    const event = (told: typeof first) => ({ ...told.events.find(({ type }) => type === "image"), milliseconds: 0 });
    expect(event(second)).toEqual(event(first));
    const cost = { views: 7, tokensBefore: 28, tokensAfter: 17 };
    expect([first, second].map(({ events }) => events.at(-1))).toMatchObject([
      { stats: { pictures: [{ ...cost, reused: false }] } },
      { stats: { pictures: [{ ...cost, reused: true }] } },
    ]);

    const fresh = await load(counted.device);
    expect((await ask(fresh, turns)).text).toBe(second.text);
    fresh.dispose();
    // Another budget makes another picture of it, from its first row on.
    const budget = await labelsOf(() =>
      ask(fovea, turns, { pictures: { maxTiles: 1 }, compression: { method: "none" } }),
    );
    expect(countOf(budget, "vision")).toBe(1);
    expect(lastPrefill().keep).toBeLessThan(before.runs[0]!.row + 1);
  });

  test("an abort between two batches: the second is not begun, and nothing is left", async () => {
    const good = await ask(fovea, [question("What?", picture(0))]);
    const { gpuBytes } = fovea.memory;
    for (const alone of [true, false]) {
      const controller = new AbortController();
      const { signal } = controller;
      const labels = await labelsOf(
        async () => {
          if (alone)
            await expectRefusal(
              () => fovea.encodeImage(picture(2), { compression: SETTINGS.compression, signal }),
              "aborted",
              /aborted during the encoding of a picture/,
            );
          else {
            const told = await ask(fovea, [question("What?", picture(3))], { signal });
            expect(told.types).toEqual(["done"]);
            expect(told.events[0]).toMatchObject({ reason: "abort", stats: { pictures: [], promptTokens: 0 } });
          }
        },
        (label) => {
          if (label === "vision") controller.abort();
        },
      );
      expect([countOf(labels, "vision"), countOf(labels, "prefill")]).toEqual([1, 0]);
      expect(fovea.memory.gpuBytes).toBe(gpuBytes);
    }
    const again = await ask(fovea, [question("What?", picture(0))]);
    expect(again.text).toBe(good.text);
    // What was aborted is encoded from its first batch on.
    const labels = await labelsOf(() => ask(fovea, [question("What?", picture(3))]));
    expect(countOf(labels, "vision")).toBe(2);
  });
});

test("a device that is lost between two batches: all views are encoded again, and the answer is the same", async () => {
  const own = followDevices();
  try {
    const fovea = await load();
    const messages = [question("What is this?", picture(1))];
    const device = own.devices.at(-1)!.device;
    // Of the first picture's two batches, then of the second's; pictures that were seen are not encoded again.
    const undisturbed = await ask(fovea, messages, { attention: true });
    const other = await ask(fovea, [question("What is this?", picture(5))], { attention: true });
    expect(undisturbed.text).not.toBe("");
    loseAt(device, "vision", 2);
    const lost = await ask(fovea, [question("What is this?", picture(7))], { attention: true });
    expect(lost.types).toEqual(["recovering", ...lost.types.slice(1)]);
    expect(lost.types.filter((type) => type === "image")).toHaveLength(1);
    expect(own.devices).toHaveLength(2);
    // On the new device, where nothing was kept.
    const withoutTimes = ({ events }: typeof lost) =>
      events.map((event) => (event.type === "done" ? event.reason : { ...event, milliseconds: 0 }));
    for (const [seed, before] of [
      [1, undisturbed],
      [5, other],
    ] as const)
      expect(withoutTimes(await ask(fovea, [question("What is this?", picture(seed))], { attention: true }))).toEqual(
        withoutTimes(before),
      );
    const again = await ask(fovea, [question("What is this?", picture(7))], { attention: true });
    expect(withoutTimes(again)).toEqual(withoutTimes({ ...lost, events: lost.events.slice(1) }));
    expect(own.devices[0]!.live()).toEqual([]);
    fovea.dispose();
    expect(own.devices[1]!.live()).toEqual([]);
  } finally {
    vi.restoreAllMocks();
  }
}, 900_000);
