/**
 * VMTC, `diverse` and CMAI on families whose goldens have no such settings: test/reductions holds kept cells, labels, lengths of
 * rows, logits, inhibited pairs and greedy tokens of an independent reference, tools/reductions/write.py. For browser tests.
 */
import { expect } from "vitest";
import type { Compression, Inhibition, Inspection, InspectRequest } from "../../src/api.ts";
import type { Fovea } from "../../src/engine/fovea.ts";
import { expectNmse } from "./compare.ts";
import { type FamilyCase, requestOf } from "./golden-family.ts";
import { sharedBytes, sharedJson } from "./shared.ts";
import { NMSE_MODEL } from "./tolerances.ts";

interface Expected {
  options: { method?: "vmtc" | "diverse"; ratio?: number; stages?: number; maxRatio?: number };
  tokens: number;
  imageRows: [start: number, count: number][][];
  views: { cells: number; owners: number[]; stages: { block: number; primary: number[]; labels: number[] }[] }[];
  /** Lengths of the rows that replace placeholders. */
  norms: number[];
  /** Of the prompt's last row, evenly spread. */
  logits: number[];
  /** Up to the first token that f32 cannot tell from another. */
  greedy: number[];
  /** By layer, text rows by image rows, as hexadecimal digits. */
  inhibited?: Record<string, string>;
}

export interface Reductions {
  case: string;
  prompts: {
    /** Of the golden case, unless `pictures` are given. */
    name: string;
    pictures?: string[];
    text?: string;
    config?: Record<string, unknown>;
    settings: Record<string, Expected>;
  }[];
}

const FILES = import.meta.glob<Reductions>("../reductions/*.json", { eager: true, import: "default" });

/** The reductions of a golden case; undefined for cases whose goldens have settings. */
export function reductionsOf(folder: string): Reductions | undefined {
  return FILES[`../reductions/${folder}.json`];
}

/**
 * Compares every setting of every prompt.
 *
 * @param load loads the case with other fields of config.json
 */
export async function compareReductions(
  { case: folder, prompts }: Reductions,
  fovea: Fovea,
  load: (config: Record<string, unknown>) => Promise<Fovea>,
): Promise<void> {
  for (const prompt of prompts) {
    const other = prompt.config && (await load(prompt.config));
    const request = await requestFor(folder, prompt);
    for (const [setting, expected] of Object.entries(prompt.settings)) {
      const asked = { ...request, ...settingOf(expected), greedySteps: expected.greedy.length };
      compare(`${prompt.name}.${setting}`, await (other ?? fovea).inspect(asked), expected);
    }
    other?.dispose();
  }
}

async function requestFor(folder: string, { name, pictures, text }: Reductions["prompts"][number]) {
  if (!pictures) {
    const { prompts } = await sharedJson<FamilyCase>(`golden/families/${folder}/case.json`);
    return requestOf(prompts.find((prompt) => prompt.name === name)!);
  }
  const images = pictures.map(async (file) => {
    const bytes = await sharedBytes(`golden/families/pictures/${file}`);
    return { type: "image", image: new Blob([bytes]) } as const;
  });
  const content = [...(await Promise.all(images)), { type: "text", text: text! } as const];
  return { messages: [{ role: "user", content }] } satisfies InspectRequest;
}

function settingOf({ options: { method, maxRatio, ...budget } }: Expected): Partial<InspectRequest> {
  const compression: Compression = method ? { method, ...budget } : { method: "none" };
  const inhibition: Inhibition | undefined = maxRatio === undefined ? undefined : { maxRatio };
  return { compression, ...(inhibition && { inhibition }) };
}

function compare(what: string, { prompt, images, layers, logits, greedy }: Inspection, expected: Expected): void {
  expect(prompt.ids.length, what).toBe(expected.tokens);
  const runs = prompt.pictures.map((picture) => picture.map(({ start, count }) => [start, count]));
  expect(runs, what).toEqual(expected.imageRows);
  const views = images.flatMap((image) => image.views);
  for (const [i, { owners, stages }] of expected.views.entries()) {
    const { kept, owners: own, stages: ownStages } = views[i]!;
    const found = ownStages.map(({ block, primary, labels }) => ({
      block,
      primary: [...primary],
      labels: [...labels],
    }));
    if (stages.length > 0) expect(found, `${what}, view ${i}`).toEqual(stages);
    expect([...(expected.options.method === "diverse" ? kept! : own)], `${what}, view ${i}`).toEqual(owners);
  }
  const rows = images.flatMap(({ projected }) => rowNorms(projected));
  expectNmse(`${what}.norms`, rows, expected.norms, NMSE_MODEL);
  const [count, width] = [logits.data.length / logits.cols, logits.cols];
  const step = Math.floor(width / expected.logits.length);
  const last = expected.logits.map((_, i) => logits.data[(count - 1) * width + i * step]!);
  expectNmse(`${what}.logits`, last, expected.logits, NMSE_MODEL);
  const masks = Object.fromEntries(layers.map(({ layer, inhibited }) => [layer, hexadecimal(inhibited)]));
  expect(masks, what).toEqual(expected.inhibited ?? {});
  expect(greedy, what).toEqual(expected.greedy);
}

function rowNorms({ data, cols }: Inspection["logits"]): number[] {
  return Array.from({ length: data.length / cols }, (_, row) =>
    Math.hypot(...data.subarray(row * cols, (row + 1) * cols)),
  );
}

/** Four pairs a digit, the first in its highest bit. */
function hexadecimal(bits: Uint8Array): string {
  const digits = Array.from({ length: Math.ceil(bits.length / 4) }, (_, i) =>
    [0, 1, 2, 3].reduce((digit, k) => 2 * digit + (bits[4 * i + k] ?? 0), 0),
  );
  return digits.map((digit) => digit.toString(16)).join("");
}
