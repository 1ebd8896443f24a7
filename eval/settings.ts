/**
 * The settings of a run by name, for an encoder's number of patches. plan.ts chooses the pictures of each setting,
 * tables.ts its tables.
 */
import type { Compression, Inhibition } from "../src/api.ts";

export interface Setting {
  /** Name on the command line. */
  id: string;
  /** Name in tables. */
  title: string;
  /**
   * Main settings are asked everything, ablations a fixed part, and so are options without a table in the paper. A
   * sweep has its own.
   */
  group: "main" | "ablation" | "option" | "sweep";
  compression: Compression;
  inhibition: Inhibition;
  /** The picture is described, and the question answered from the description alone: the paper's upper limit. */
  describeFirst?: true;
}

/** Kept shares of the patches, by their names in ids. */
export const SHARES = { 50: 0.5, 25: 0.25, 12: 0.125 } as const;
type ShareName = keyof typeof SHARES;
const SHARE_NAMES = [50, 25, 12] as const satisfies ShareName[];

const OFF: Inhibition = { maxRatio: 0 };
/** The paper's inhibition. */
const ON: Inhibition = { maxRatio: 0.6 };
const NONE: Compression = { method: "none" };

/** The setting without either module, the reference of all others. */
export const PLAIN = "full";
/** The paper's setting. */
export const PAPER = "vmtc-50+cmai";

/** All settings for an encoder of `patches` patch tokens, main ones first. */
export function settingsFor(patches: number): Setting[] {
  return [...mainSettings(), ...methodSettings(patches), ...optionSettings()];
}

function mainSettings(): Setting[] {
  const both = (id: string, title: string, compression: Compression): Setting[] => [
    { id, title, group: "main", compression, inhibition: OFF },
    { id: `${id}+cmai`, title: `${title}, CMAI`, group: "main", compression, inhibition: ON },
  ];
  return [
    ...both(PLAIN, "all tokens", NONE),
    ...SHARE_NAMES.flatMap((name) => both(`vmtc-${name}`, `VMTC ${name} %`, { method: "vmtc", ratio: SHARES[name] })),
    { id: "pool-2", title: "pooled 2 x 2", group: "main", compression: { method: "pool", factor: 2 }, inhibition: OFF },
    {
      id: "describe-first",
      title: "described first",
      group: "main",
      compression: NONE,
      inhibition: OFF,
      describeFirst: true,
    },
  ];
}

/** Other methods with the same number of tokens, all with the paper's inhibition. */
function methodSettings(patches: number): Setting[] {
  const tokens = (name: ShareName) => Math.max(1, Math.floor(SHARES[name] * patches + 1e-9));
  const ablation = (id: string, title: string, compression: Compression): Setting => ({
    id: `${id}+cmai`,
    title: `${title}, CMAI`,
    group: "ablation",
    compression,
    inhibition: ON,
  });
  return [
    ...SHARE_NAMES.flatMap((name) => [
      ablation(`prune-last-${name}`, `pruned in the last layer ${name} %`, {
        method: "prune-last",
        tokens: tokens(name),
      }),
      ablation(`drop-${name}`, `dropped by layers ${name} %`, { method: "vmtc", ratio: SHARES[name], clusters: 0 }),
      ablation(`fuse-${name}`, `fused by layers ${name} %`, { method: "vmtc", ratio: SHARES[name], clusters: 1 }),
      ablation(`prumerge-${name}`, `PruMerge ${name} %`, { method: "prumerge", tokens: Math.max(2, tokens(name)) }),
    ]),
    ablation("prumerge", "PruMerge, own number", { method: "prumerge" }),
    ablation("pool-2", "pooled 2 x 2", { method: "pool", factor: 2 }),
    ablation("pool-3", "pooled 3 x 3", { method: "pool", factor: 3 }),
  ];
}

/** The paper's setting with one option changed. */
function optionSettings(): Setting[] {
  const half = { method: "vmtc", ratio: SHARES[50] } as const;
  const option = (id: string, title: string, compression: Compression, inhibition: Inhibition): Setting => ({
    id: `vmtc-50+${id}`,
    title,
    group: "option",
    compression,
    inhibition,
  });
  const score = (name: "text-to-image" | "sum" | "discounted-sum", title: string): Setting => ({
    ...option(name, title, half, { ...ON, score: name }),
    group: "ablation",
  });
  return [
    score("text-to-image", "text-to-image attention"),
    score("sum", "sum of text-to-image attention"),
    score("discounted-sum", "discounted sum"),
    option("logits", "scores from logits", half, { ...ON, scores: "logits" }),
    option("constant", "the same ratio in every layer", half, { ...ON, schedule: "constant" }),
    option("image-scope", "a threshold per image", half, { ...ON, scope: "image" }),
    option("raw", "merged by raw importance", { ...half, merge: "raw" }, ON),
    option("original", "original positions", { ...half, positions: "original" }, ON),
  ];
}

/**
 * The settings of a command line, by id or by "main", "ablation" and "option", in the order of `all`. Throws an Error of one
 * line for an unknown name.
 */
export function chooseSettings(all: Setting[], names: string[]): Setting[] {
  const unknown = names.find((name) => !all.some(({ id, group }) => id === name || group === name));
  if (unknown !== undefined)
    throw new Error(
      `--settings: unknown "${unknown}"; choose from main, ablation, option, ${all.map(({ id }) => id).join(", ")}`,
    );
  return all.filter(({ id, group }) => names.includes(id) || names.includes(group));
}
