/**
 * Every folder of golden/families whose family is registered, from its files to its last greedy token: prompt, ids, rows,
 * features, stages, masks, logits. Folders of other families are listed as skipped.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Inspection, InspectRequest } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { familyNames } from "../../src/families/registry.ts";
import { cellOrder } from "../reference/cells.ts";
import { seatCoordinates } from "../reference/seat-coordinates.ts";
import { expectNmse } from "../support/compare.ts";
import {
  type FamilyPrompt,
  type GoldenFamily,
  hasJpeg,
  loadFamily,
  requestOf,
  type StagesIn,
  settingOf,
  sourceOf,
} from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";
import { compareReductions, reductionsOf } from "../support/reductions.ts";
import { NMSE_JPEG, NMSE_MODEL } from "../support/tolerances.ts";

/** Folder -> family, from the folders' case.json; see vite.config.ts. */
const FOLDERS: Record<string, string> = JSON.parse(import.meta.env.VITE_FAMILY_FOLDERS);

/**
 * The user types a special token's text here. The reference takes it for the token, Fovea never does that with a user's
 * text: its ids differ by design, and the model runs on the reference's.
 */
const TYPED_TOKENS: readonly string[] = ["smolvlm-s4-tags-bf16/text"];

for (const [folder, family] of Object.entries(FOLDERS))
  if (!familyNames().includes(family))
    test.skip(`${folder}: ${family} [needs families that are not registered yet]`, () => {});

const registered = Object.keys(FOLDERS).filter((folder) => familyNames().includes(FOLDERS[folder]!));

const { device } = useDevice();

describe.for(registered)("%s", (folder) => {
  let golden: GoldenFamily;
  let fovea: Fovea;
  const load = async (settings?: Record<string, unknown>, config?: Record<string, unknown>) =>
    Fovea.load(await sourceOf(folder, settings, config), { weights: "f32", precision: "f32", device: device() });
  beforeAll(async () => {
    golden = await loadFamily(folder);
    fovea = await load();
  });
  afterAll(() => {
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  test("every prompt", async () => {
    expect(golden.prompts.length).toBeGreaterThan(0);
    const compared = new Set<string>();
    for (const prompt of golden.prompts) {
      const typed = TYPED_TOKENS.includes(`${folder}/${prompt.name}`);
      const request = await requestOf(prompt);
      const asked = typed ? { inputIds: prompt.ids, greedySteps: prompt.greedy.length } : request;
      const other = prompt.imagesKwargs && (await load(prompt.imagesKwargs));
      const inspection = await (other ?? fovea).inspect(asked);
      if (!typed) await expectCount(prompt.name, other ?? fovea, request, inspection);
      other?.dispose();
      if (!typed) expectPrompt(prompt.name, inspection, prompt, golden.family);
      expect(inspection.greedy, prompt.name).toEqual(prompt.greedy);
      const grids = inspection.images.map(({ views }) => views.map(({ rows, cols }) => [rows, cols]));
      expect(grids, prompt.name).toEqual(prompt.views ?? []);
      compareTensors(compared, golden, prompt.name, inspection, prompt, {});
    }
    expectAllCompared(compared, golden, (entry) => !isOfSetting(golden, entry));
  });

  test("every setting", async () => {
    const compared = new Set<string>();
    for (const setting of golden.settings ?? [])
      for (const [name, values] of Object.entries(setting.prompts)) {
        const prompt = golden.prompts.find((candidate) => candidate.name === name)!;
        const request = { ...(await requestOf(prompt)), ...settingOf(setting, values) };
        const inspection = await fovea.inspect({ ...request, greedySteps: values.greedy.length });
        const what = `${name}.${setting.name}`;
        await expectCount(what, fovea, request, inspection);
        expectPrompt(what, inspection, { ...prompt, ...values }, golden.family);
        expect(inspection.greedy, what).toEqual(values.greedy);
        compareTensors(compared, golden, what, inspection, prompt, setting.stagesIn ?? {});
      }
    expectAllCompared(compared, golden, (entry) => isOfSetting(golden, entry));
  });

  const reductions = reductionsOf(folder);
  if (reductions)
    test("every reduction", () => compareReductions(reductions, fovea, (config) => load(undefined, config)));
});

/** Families whose references have the text alone, without the places of pictures before it. */
const TEXT_ALONE: readonly string[] = ["blip-2", "instructblip"];

function expectPrompt(what: string, { prompt }: Inspection, expected: FamilyPrompt, family: string): void {
  const text = TEXT_ALONE.includes(family) ? prompt.text.replace("<image>", "") : prompt.text;
  expect(text, what).toBe(expected.text);
  expect([...prompt.ids], what).toEqual([...Uint32Array.from(expected.ids)]);
  const runs = prompt.pictures.map((picture) => picture.map(({ start, count }) => [start, count]));
  expect(runs, what).toEqual(expected.imageRows ?? []);
}

/** The count before a run is what the run has; the most that it can have where a compression decides on the way. */
async function expectCount(what: string, fovea: Fovea, request: InspectRequest, { prompt }: Inspection): Promise<void> {
  const { messages, addGenerationPrompt, pictures, compression = { method: "none" } } = request;
  // A count is always of a prompt that an answer follows.
  if (!messages || addGenerationPrompt === false) return;
  const count = await fovea.countTokens(messages, { compression, ...(pictures && { pictures }) });
  const rows = prompt.pictures.map((runs) => runs.reduce((sum, run) => sum + run.count, 0));
  const actual = { promptTokens: prompt.ids.length, pictures: rows, imageTokens: rows.reduce((a, b) => a + b, 0) };
  if (compression.method === "none") expect(count.isExact, what).toBe(true);
  if (count.isExact) expect(count, what).toMatchObject(actual);
  else expect(count.promptTokens, what).toBeGreaterThanOrEqual(actual.promptTokens);
  expect(count.contextLength, what).toBe(fovea.info.contextLength);
}

function isOfSetting({ settings = [] }: GoldenFamily, entry: string): boolean {
  return settings.some(({ name }) => entry.split(".")[1] === name);
}

/** Nothing in the file is left unlooked at: but hidden states (of a Q-Former and of gated layers, too), which the engine does not keep, and pixels, which tile-pixels.gpu.test.ts compares. */
function expectAllCompared(
  compared: Set<string>,
  { expected }: GoldenFamily,
  isOurs: (entry: string) => boolean,
): void {
  const left = [...expected.keys()].filter(
    (entry) => isOurs(entry) && !/\.(hidden|pixels|qformer|cross)$/.test(entry) && !compared.has(entry),
  );
  expect(left).toEqual([]);
}

/** Compares every entry `what.*` with the inspection. */
function compareTensors(
  compared: Set<string>,
  golden: GoldenFamily,
  what: string,
  inspection: Inspection,
  prompt: FamilyPrompt,
  stagesIn: StagesIn,
): void {
  const limit = hasJpeg(prompt) ? NMSE_JPEG : NMSE_MODEL;
  for (const [entry, { data }] of golden.expected) {
    if (!entry.startsWith(`${what}.`) || (what === prompt.name && isOfSetting(golden, entry))) continue;
    const actual = inspected(inspection, entry.slice(what.length + 1), stagesIn);
    if (actual === undefined) continue;
    compared.add(entry);
    if (entry === `${what}.features`)
      expectNmse(entry, actual, featuresOf(inspection, golden, golden.expected.get(entry)!), limit);
    else if (entry.endsWith(".threshold")) expectThresholds(entry, actual, data);
    else if (actual instanceof Float32Array && !entry.endsWith(".positions")) expectNmse(entry, actual, data, limit);
    else expect([...actual], entry).toEqual([...data]);
  }
}

/**
 * Features of all views [views, rows, width], without the row of a class token that the connector does not read; or
 * [rows, width] of views of different grids one after another, of Qwen's encoders in cell order.
 */
function featuresOf(
  { images }: Inspection,
  { family }: GoldenFamily,
  { data, shape }: { data: ArrayLike<number>; shape: readonly number[] },
) {
  if (shape.length === 2) return /^qwen/.test(family) ? inRasterOrder(images, data, shape[1]!) : data;
  const [views, rows, width] = shape as [number, number, number];
  const own = images.flatMap((image) => image.views).map(({ features }) => features.rows);
  if (own.length !== views || own.some((count) => count !== rows - 1)) return data;
  const values = Array.from(data);
  return own.flatMap((_, view) => values.slice((view * rows + 1) * width, (view + 1) * rows * width));
}

function inRasterOrder(images: Inspection["images"], data: ArrayLike<number>, width: number): Float32Array {
  const sorted = new Float32Array(data.length);
  let first = 0;
  for (const { rows, cols, cell } of images.flatMap((image) => image.views)) {
    for (const [row, raster] of cellOrder(rows, cols, cell).entries())
      for (let c = 0; c < width; c++) sorted[(first + raster) * width + c] = data[(first + row) * width + c]!;
    first += rows * cols;
  }
  return sorted;
}

/** The value that an entry is about; undefined for entries that another test compares. */
function inspected(
  inspection: Inspection,
  entry: string,
  stagesIn: StagesIn,
): (ArrayLike<number> & Iterable<number>) | undefined {
  const { prompt, images, layers, logits, greedy, greedyLogits } = inspection;
  const join = (parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));
  const views = images.flatMap((image) => image.views);
  const ofView = /^view(\d+)\.(\w+)(?:\.(\w+))?$/.exec(entry);
  if (ofView) {
    const view = views[Number(ofView[1])]!;
    const stage = /^stage(\d+)$/.exec(ofView[2]!);
    if (stage) {
      // Stages that would not shrink a view leave no record; the others keep their number, and so their block.
      const cells = (view.rows * view.cols) / view.cell ** 2;
      const block = stagesIn[cells]![Number(stage[1]) - 1]![0];
      return inspectedStage(view.stages.find((candidate) => candidate.block === block)!, ofView[3]!);
    }
    if (ofView[2] === "features") return view.features.data;
    const tap = /^deepFeatures(\d+)$/.exec(ofView[2]!);
    if (tap) return view.tapFeatures[Number(tap[1])]!.data;
    if (ofView[2] === "owner") return view.owners;
    if (ofView[2] === "coordinates") {
      const owned = Array.from(view.owners, (owner) => ({ cells: [], owner }));
      const { rows, cols } = seatCoordinates(owned, view.cols / view.cell, view.cell);
      return rows.flatMap((row, i) => [row, cols[i]!]);
    }
    if (ofView[2] === "kept") return view.kept;
    if (ofView[2] === "order") return view.chosen;
  }
  const layer = /^layer(\d+)\.(focus|inhibited|threshold)$/.exec(entry);
  if (layer) {
    const found = layers.find((candidate) => candidate.layer === Number(layer[1]))!;
    return layer[2] === "inhibited" ? found.inhibited : found[layer[2] as "focus" | "threshold"].data;
  }
  const tapped = /^deepstack(\d+)$/.exec(entry);
  if (tapped) return join(images.map(({ taps }) => taps[Number(tapped[1])]!.data));
  switch (entry) {
    case "features":
      return join(views.map(({ features }) => features.data));
    case "projected":
      return join(images.map(({ projected }) => projected.data));
    case "positions":
      return prompt.positions.data;
    case "logits":
      return logits.data;
    case "greedy":
      return greedy;
    case "greedy_logits":
      return greedyLogits.data;
    case "hidden":
    case "qformer":
    case "cross":
    case "pixels":
      return undefined;
    default:
      throw new Error(`nothing to compare ${entry} with`);
  }
}

function inspectedStage(stage: Inspection["images"][number]["stages"][number], name: string) {
  return name === "ips" ? stage.importance : stage[name as "primary" | "redundant" | "labels"];
}

/** The files mark the threshold of a row that sees no picture by -1e30, an inspection by NaN. */
function expectThresholds(entry: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const isThreshold = Array.from(expected, (value) => value > -1e29);
  expect(Array.from(actual, (value) => !Number.isNaN(value))).toEqual(isThreshold);
  const only = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => isThreshold[i]);
  expectNmse(entry, only(actual), only(expected), NMSE_MODEL);
}
