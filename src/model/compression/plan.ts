/**
 * Plans a `Compression` for one encoder and the views of one picture: the cells and clusters that remain after each
 * block. All counts are cells, the rows that the decoder sees. Pure.
 */
import type { Compression } from "../../api.ts";
import { checkFields } from "../../shared/arguments.ts";
import { checkInteger, checkNumber } from "../../shared/assert.ts";
import { shown } from "../../shared/json.ts";
import type { RowMethodName } from "../../shared/reduction.ts";
import { dealOut } from "./deal-out.ts";
import { isRowMethod, ROW_METHODS } from "./rows/registry.ts";

/** The blocks of an encoder, as far as stages depend on them. */
export interface EncoderBlocks {
  /** Blocks in the file, over which stages are spread. */
  blocks: number;
  /** Blocks that run, from the first. */
  runBlocks: number;
  /** For an encoder that attends inside windows, and so needs whole grids: the blocks that see whole views. */
  windows?: { whole: readonly number[] };
}

/** One stage of VMTC. */
export interface StagePlan {
  block: number;
  /** Cells that enter. */
  before: number;
  /** Cells that leave: `primary` and then `clusters`. */
  tokens: number;
  primary: number;
  clusters: number;
}

/** The compression of one view. */
export type ViewPlan =
  | { method: "none" }
  | { method: "vmtc"; stages: StagePlan[]; iterations: number; normalized: boolean; originalPositions: boolean }
  | { method: "prune-last"; tokens: number }
  | { method: "pool"; factor: number }
  | { method: "prumerge"; tokens?: number }
  | RowPlan;

/** Some of the connector's rows are kept. */
export interface RowPlan {
  method: RowMethodName;
  tokens: number;
}

type Vmtc = Extract<Compression, { method: "vmtc" }>;

type FieldsOf<M> = Record<Exclude<keyof Extract<Compression, { method: M }>, "method">, true>;

/** The fields of each method besides its name, so that a misspelt one is refused. The type keeps the list complete. */
const FIELDS: { [M in Exclude<Compression["method"], RowMethodName>]: FieldsOf<M> } = {
  none: {},
  vmtc: {
    tokens: true,
    ratio: true,
    stages: true,
    blocks: true,
    clusters: true,
    merge: true,
    iterations: true,
    positions: true,
  },
  "prune-last": { tokens: true, ratio: true },
  pool: { factor: true },
  prumerge: { tokens: true, ratio: true },
};
const ROW_FIELDS: FieldsOf<RowMethodName> = { tokens: true, ratio: true };

/** Share of a stage's cells that are clusters (paper, "Implementation details"). */
const CLUSTER_SHARE = 0.156;
const DEFAULT_RATIO = 0.5;
const DEFAULT_STAGES = 3;
const DEFAULT_ITERATIONS = 10;

/**
 * Checks and plans a compression. Every view is compressed on its own. A ratio applies to each view. A count for the
 * picture is distributed in proportion to the views' cells.
 *
 * @param cells of each view
 * @param counted cells by which each view counts in a ratio or count: its rows in a prompt without compression
 * @returns the plan of each view
 * @throws TypeError for a value that is no compression; RangeError for a number out of range, a block that does not
 * run, or fewer tokens than views. RangeError also for a method that this encoder or these views do not support
 */
export function planCompression(
  compression: Compression,
  encoder: EncoderBlocks,
  cells: readonly number[],
  counted = cells,
): ViewPlan[] {
  if (compression === null || typeof compression !== "object")
    throw new TypeError(`compression must be an object with a method, got ${shown(compression)}`);
  if (typeof compression.method !== "string") throw unknownMethod(compression);
  if (isRowMethod(compression)) {
    checkFields("compression", compression, ["method", ...Object.keys(ROW_FIELDS)]);
    return planRows(compression, cells, counted);
  }
  if (!Object.hasOwn(FIELDS, compression.method)) throw unknownMethod(compression);
  checkFields("compression", compression, ["method", ...Object.keys(FIELDS[compression.method])]);
  switch (compression.method) {
    case "none":
      return cells.map(() => ({ method: "none" }));
    case "vmtc":
      return planVmtc(compression, encoder, cells, counted);
    case "prune-last": {
      needLastImportance(compression.method, encoder);
      if (compression.ratio === undefined) checkInteger("compression.tokens", compression.tokens, 1);
      return reduced(finalCounts(compression, cells, counted), cells, (tokens) => ({ method: "prune-last", tokens }));
    }
    case "pool": {
      const factor = checkInteger("compression.factor", compression.factor, 1);
      return cells.map(() => (factor === 1 ? { method: "none" } : { method: "pool", factor }));
    }
    case "prumerge": {
      needLastImportance(compression.method, encoder);
      const { tokens, ratio } = compression;
      if (tokens === undefined && ratio === undefined) return cells.map(() => ({ method: "prumerge" }));
      // One token is the sum of the dropped ones, so each view keeps at least one cell beside it.
      if (tokens !== undefined) checkInteger("compression.tokens", tokens, 2 * cells.length);
      return reduced(finalCounts(compression, cells, counted, 2), cells, (tokens) => ({ method: "prumerge", tokens }));
    }
  }
}

function unknownMethod({ method }: { method: unknown }): TypeError {
  const names = [...Object.keys(FIELDS), ...Object.keys(ROW_METHODS)].map((name) => `"${name}"`);
  return new TypeError(
    `compression.method must be ${names.slice(0, -1).join(", ")} or ${names.at(-1)}, got ${shown(method)}`,
  );
}

function planRows(
  { method, ...budget }: Extract<Compression, { method: RowMethodName }>,
  cells: readonly number[],
  counted: readonly number[],
): ViewPlan[] {
  const counts = finalCounts(budget, cells, counted);
  const { mostRows = Number.POSITIVE_INFINITY } = ROW_METHODS[method];
  const largest = Math.max(...cells);
  if (largest > mostRows)
    throw new RangeError(
      `compression.method "${method}" compares all tokens of a view, at most ${mostRows}; this picture has a view of ${largest}. Use "prune-last", or a smaller picture`,
    );
  return reduced(counts, cells, (tokens) => ({ method, tokens }));
}

/** Throws RangeError for an encoder without blocks, which has no attention to compare cells by. */
function needBlocks(method: string, { runBlocks }: EncoderBlocks): void {
  if (runBlocks === 0)
    throw new RangeError(
      `compression.method "${method}" works inside an encoder, and this model has none: patches enter its decoder as they are; use "diverse" or "pool"`,
    );
}

/** Throws RangeError where the last block's attention does not compare all cells of a view. */
function needLastImportance(method: string, encoder: EncoderBlocks): void {
  needBlocks(method, encoder);
  const { windows, runBlocks } = encoder;
  if (windows && !windows.whole.includes(runBlocks - 1))
    throw new RangeError(
      `compression.method "${method}" needs attention over the whole picture in the encoder's last block, ${runBlocks - 1}, which attends in windows; use "diverse" or "pool"`,
    );
}

/** The plan of each view; "none" where it keeps all of its cells. */
function reduced(counts: readonly number[], cells: readonly number[], plan: (tokens: number) => ViewPlan): ViewPlan[] {
  return counts.map((count, view) => (count >= cells[view]! ? { method: "none" } : plan(count)));
}

/**
 * The paper's setting: half of the cells in three stages. Stages in blocks that do not run, because the features are
 * taken early, are left out. There is no compression without a stage, or where an encoder allows none.
 */
export function standardCompression(encoder: EncoderBlocks): Compression {
  if (encoder.windows || encoder.runBlocks === 0) return { method: "none" };
  const spread = spreadBlocks(DEFAULT_STAGES, encoder);
  const running = [...new Set(spread)].filter((block) => block < encoder.runBlocks);
  if (running.length === 0) return { method: "none" };
  const vmtc = { method: "vmtc", ratio: DEFAULT_RATIO } as const;
  return running.length === DEFAULT_STAGES ? vmtc : { ...vmtc, blocks: running };
}

/** Final cells of each view, by the count for the picture or else by the ratio; at least `least` for each. */
function finalCounts(
  { tokens, ratio = DEFAULT_RATIO }: Pick<Vmtc, "tokens" | "ratio">,
  cells: readonly number[],
  counted: readonly number[],
  least = 1,
): number[] {
  checkNumber("compression.ratio", ratio, Number.MIN_VALUE, Number.MAX_VALUE);
  const counts =
    tokens === undefined
      ? counted.map((count) => Math.max(least, Math.floor(ratio * count + 1e-9)))
      : dealOut(checkInteger("compression.tokens", tokens, 1), counted, least);
  // A picture that keeps all of its count stays whole, bit for bit.
  return counts.every((count, view) => count >= counted[view]!) ? [...cells] : counts;
}

function planVmtc(
  compression: Vmtc,
  encoder: EncoderBlocks,
  cells: readonly number[],
  counted: readonly number[],
): ViewPlan[] {
  needBlocks(compression.method, encoder);
  if (encoder.windows)
    throw new RangeError(
      'compression.method "vmtc" merges inside the encoder, and this one attends in windows of whole grids; use "diverse", "prune-last" or "prumerge"',
    );
  const { clusters = "auto", merge = "normalized", positions = "contiguous" } = compression;
  if (clusters !== "auto") checkInteger("compression.clusters", clusters, 0);
  if (merge !== "normalized" && merge !== "raw") throw new TypeError(`compression.merge must be "normalized" or "raw"`);
  if (positions !== "contiguous" && positions !== "original")
    throw new TypeError(`compression.positions must be "contiguous" or "original"`);
  if (positions === "original" && cells.length > 1)
    throw new RangeError(
      `compression.positions "original" needs a picture of one view, this one has ${cells.length}; use "contiguous"`,
    );
  const iterations = checkInteger("compression.iterations", compression.iterations ?? DEFAULT_ITERATIONS, 1, 1000);
  const blocks = stageBlocks(compression, encoder);
  const rules = { iterations, normalized: merge === "normalized", originalPositions: positions === "original" };
  return finalCounts(compression, cells, counted).map((final, view) => ({
    method: "vmtc",
    stages: planStages(blocks, cells[view]!, final, clusters),
    ...rules,
  }));
}

/** The stages of a view of `cells` cells, down to `final`. */
function planStages(blocks: readonly number[], cells: number, final: number, clusters: number | "auto"): StagePlan[] {
  const stages: StagePlan[] = [];
  let before = cells;
  for (const [i, block] of blocks.entries()) {
    const count = i + 1 === blocks.length ? final : roundHalfUp(cells * (final / cells) ** ((i + 1) / blocks.length));
    // A stage that would not shrink the view is left out, bit for bit.
    if (count >= before) continue;
    const wanted = clusters === "auto" ? Math.max(1, roundHalfUp(CLUSTER_SHARE * count)) : clusters;
    const merged = Math.min(count, wanted);
    stages.push({ block, before, tokens: count, primary: count - merged, clusters: merged });
    before = count;
  }
  return stages;
}

/** The blocks with a stage: the listed ones, or the requested number, spread over the encoder. */
function stageBlocks({ blocks, stages = DEFAULT_STAGES }: Vmtc, encoder: EncoderBlocks): number[] {
  if (blocks !== undefined && !Array.isArray(blocks))
    throw new TypeError(`compression.blocks must be a list of numbers, got ${shown(blocks)}`);
  const chosen = blocks
    ? [...blocks]
    : spreadBlocks(checkInteger("compression.stages", stages, 1, encoder.blocks), encoder);
  if (chosen.length === 0) throw new RangeError('compression.blocks is empty; for no stages use method "none"');
  for (const [i, block] of chosen.entries()) {
    if (!Number.isInteger(block) || block < 0 || block >= encoder.runBlocks)
      throw new RangeError(
        `compression: a stage in block ${block}, but only blocks 0 to ${encoder.runBlocks - 1} of this encoder run`,
      );
    if (i > 0 && block <= chosen[i - 1]!)
      throw new RangeError(`compression: the blocks of stages must be ascending and distinct, got [${chosen}]`);
  }
  return chosen;
}

/** The i-th of S stages in block floor(i * blocks / (S + 1)). */
function spreadBlocks(stages: number, { blocks }: EncoderBlocks): number[] {
  return Array.from({ length: stages }, (_, i) => Math.floor(((i + 1) * blocks) / (stages + 1)));
}

function roundHalfUp(value: number): number {
  return Math.floor(value + 0.5);
}
