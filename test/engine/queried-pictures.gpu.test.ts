/** Models whose pictures are read by learned queries: compression before and after them, inhibition, counts, text alone. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Compression, Message } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { familyNames } from "../../src/families/registry.ts";
import { ROW_METHODS } from "../../src/model/compression/rows/registry.ts";
import type { RowMethod } from "../../src/model/compression/rows/row-method.ts";
import { nmse } from "../support/compare.ts";
import { loadFamily, requestOf, sourceOf } from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";

/** Folder -> family; see golden.gpu.test.ts in test/families. */
const FOLDERS: Record<string, string> = JSON.parse(import.meta.env.VITE_FAMILY_FOLDERS);
const QUERIED: readonly string[] = ["blip-2", "instructblip", "qwen", "mplug_owl2"];
/** Their queries read each cell with its position. */
const PLACED: readonly string[] = ["qwen", "mplug_owl2"];
const folders = Object.keys(FOLDERS).filter(
  (folder) => QUERIED.includes(FOLDERS[folder]!) && familyNames().includes(FOLDERS[folder]!),
);

// Their goldens weigh too much for a clone.
if (folders.length === 0) test.skip("learned queries [needs ../shared/golden/families]", () => {});

const { device } = useDevice();

describe.runIf(folders.length > 0).for(folders)("%s", (folder) => {
  const load = async () =>
    Fovea.load(await sourceOf(folder), { weights: "f32", precision: "f32", device: device(), maxContext: 96 });

  test("keeps its rows when cells are merged, and fewer where rows differ least", async () => {
    const fovea = await load();
    const request = await requestOf((await loadFamily(folder)).prompts[0]!);
    const inspect = (compression: Compression) => fovea.inspect({ ...request, greedySteps: 2, compression });
    const whole = await inspect({ method: "none" });
    const rows = whole.images[0]!.projected.rows;
    const cells = whole.images[0]!.views[0]!.rows * whole.images[0]!.views[0]!.cols;
    const merged = await inspect({ method: "vmtc", tokens: 6, stages: 2 });
    const pruned = await inspect({ method: "prune-last", tokens: cells - 1 });
    expect(merged.images[0]!.views[0]!.owners).toHaveLength(6);
    for (const one of [merged, pruned]) {
      expect([...one.prompt.ids]).toEqual([...whole.prompt.ids]);
      expect(one.images[0]!.projected.rows).toBe(rows);
      const change = nmse(one.images[0]!.projected.data, whole.images[0]!.projected.data);
      expect(change).toBeGreaterThan(1e-6);
      expect(change).toBeLessThan(2);
    }
    const diverse: Compression = { method: "diverse", tokens: 3 };
    const few = await inspect(diverse);
    expect(few.images[0]!.projected.rows).toBe(3);
    expect(few.prompt.ids).toHaveLength(whole.prompt.ids.length - rows + 3);
    const kept = [...few.images[0]!.views[0]!.kept!];
    const { data, cols } = whole.images[0]!.projected;
    const expected = kept.flatMap((row) => [...data.slice(row * cols, (row + 1) * cols)]);
    expect(nmse(few.images[0]!.projected.data, expected)).toBeLessThan(1e-12);
    const count = await fovea.countTokens(request.messages!, { compression: diverse });
    expect(count).toMatchObject({ promptTokens: few.prompt.ids.length, imageTokens: 3, isExact: true });
    fovea.dispose();
  });

  test("has no places for the rows of a method", async () => {
    const grids: unknown[] = [];
    const noting: RowMethod = {
      choose(args) {
        grids.push(args.grid);
        ROW_METHODS.uniform.choose(args);
      },
    };
    Object.assign(ROW_METHODS, { noting });
    onTestFinished(() => void Reflect.deleteProperty(ROW_METHODS, "noting"));
    const fovea = await load();
    const request = await requestOf((await loadFamily(folder)).prompts[0]!);
    await fovea.inspect({ ...request, compression: { method: "noting", tokens: 3 } as unknown as Compression });
    expect([...new Set(grids)]).toEqual([undefined]);
    fovea.dispose();
  });

  test("refuses positions of rows that are no cells", async () => {
    const fovea = await load();
    const request = await requestOf((await loadFamily(folder)).prompts[0]!);
    const refusal = (compression: Compression) =>
      fovea.inspect({ ...request, compression }).then(
        () => "",
        (error: Error) => error.message,
      );
    expect(await refusal({ method: "vmtc", positions: "original" })).toMatch(/learned queries/);
    const averaged = await refusal({ method: "pool", factor: 2 });
    if (PLACED.includes(FOLDERS[folder]!)) expect(averaged).toMatch(/each cell with its position/);
    else expect(averaged).toBe("");
    fovea.dispose();
  });

  test("inhibits rows of queries", async () => {
    const fovea = await load();
    const request = await requestOf((await loadFamily(folder)).prompts[0]!);
    const { layers, images } = await fovea.inspect({ ...request, greedySteps: 2, inhibition: { maxRatio: 0.6 } });
    expect(layers.length).toBeGreaterThan(0);
    for (const { focus, inhibited } of layers) {
      expect(focus.cols).toBe(images[0]!.projected.rows);
      expect(inhibited.some((value) => value === 1)).toBe(true);
    }
    fovea.dispose();
  });

  test("answers a text alone, and shows no cell as a row", async () => {
    const fovea = await load();
    const messages: Message[] = [{ role: "user", content: "one two" }];
    const count = await fovea.countTokens(messages);
    let tokens = 0;
    for await (const event of fovea.generate({ messages, maxTokens: 3, temperature: 0 }))
      if (event.type === "prefill") tokens = event.tokens;
    expect(count).toMatchObject({ promptTokens: tokens, imageTokens: 0 });
    const request = await requestOf((await loadFamily(folder)).prompts[0]!);
    for await (const event of fovea.generate({ messages: request.messages!, maxTokens: 1, temperature: 0 })) {
      if (event.type !== "image") continue;
      const [view] = event.views;
      expect(view!.columns).toHaveLength(view!.rows * view!.cols);
      expect(view!.columns.every((column) => column === 0xffffffff)).toBe(true);
    }
    fovea.dispose();
  });
});

const asked = folders.find((folder) => FOLDERS[folder] === "instructblip");
test.runIf(asked)("a picture is read anew for another question, and kept for the same", async () => {
  const fovea = await Fovea.load(await sourceOf(asked!), { weights: "f32", device: device(), maxContext: 96 });
  const request = await requestOf((await loadFamily(asked!)).prompts[0]!);
  const [message] = request.messages!;
  const image = (message!.content as { type: string; image?: Blob }[]).find(({ type }) => type === "image")!.image!;
  const ask = async (text: string) => {
    const content = [
      { type: "image" as const, image },
      { type: "text" as const, text },
    ];
    let reused: boolean | undefined;
    const events = fovea.generate({ messages: [{ role: "user", content }], maxTokens: 1, temperature: 0 });
    for await (const event of events) if (event.type === "done") reused = event.stats.pictures[0]?.reused;
    return reused;
  };
  expect([await ask("one"), await ask("one"), await ask("two")]).toEqual([false, true, false]);
  fovea.dispose();
});
