/** What a `Compression` means for one encoder: which block drops how many tokens into how many clusters. Pure. */
import type { Compression } from "../api.ts";
import { checkInteger, checkNumber } from "../shared/assert.ts";
import type { VisionConfig } from "./config.ts";

/** One stage of VMTC; all counts without the class token. */
export interface StagePlan {
  block: number;
  /** Tokens that enter. */
  before: number;
  /** Tokens that leave: `primary` and then `clusters`. */
  tokens: number;
  primary: number;
  clusters: number;
}

export type CompressionPlan =
  | { method: "none" }
  | { method: "vmtc"; stages: StagePlan[]; iterations: number; normalized: boolean; originalPositions: boolean }
  | { method: "prune-last"; tokens: number }
  | { method: "pool"; factor: number }
  | { method: "prumerge"; tokens?: number };

/** Share of a stage's tokens that are clusters (paper, "Implementation details"). */
const CLUSTER_SHARE = 0.156;
const DEFAULT_RATIO = 0.5;
const DEFAULT_STAGES = 3;
const DEFAULT_ITERATIONS = 10;

/**
 * Checks a compression and works it out for an encoder of `patches` patch tokens.
 *
 * @throws TypeError for what is no compression; RangeError for a number out of range, or a block that does not run
 */
export function planCompression(compression: Compression, config: VisionConfig, patches: number): CompressionPlan {
  if (compression === null || typeof compression !== "object")
    throw new TypeError(`compression must be an object with a method, got ${String(compression)}`);
  switch (compression.method) {
    case "none":
      return { method: "none" };
    case "vmtc":
      return planVmtc(compression, config, patches);
    case "prune-last": {
      const tokens = checkInteger("compression.tokens", compression.tokens, 1);
      return tokens >= patches ? { method: "none" } : { method: "prune-last", tokens };
    }
    case "pool": {
      const factor = checkInteger("compression.factor", compression.factor, 1);
      return factor === 1 ? { method: "none" } : { method: "pool", factor };
    }
    case "prumerge":
      if (compression.tokens === undefined) return { method: "prumerge" };
      // One token is the sum of the dropped ones, so at least one patch is kept beside it.
      checkInteger("compression.tokens", compression.tokens, 2);
      return compression.tokens >= patches ? { method: "none" } : { method: "prumerge", tokens: compression.tokens };
    default:
      throw new TypeError(
        `compression.method must be "none", "vmtc", "prune-last", "pool" or "prumerge", got ${JSON.stringify((compression as { method?: unknown }).method)}`,
      );
  }
}

/**
 * The compression of pictures where the caller asks for none: the paper's, half of the patches in three stages. Stages in
 * blocks that an encoder does not run, as its features are taken early, are left out; without any there is none.
 */
export function defaultCompression(config: VisionConfig): Compression {
  const spread = spreadBlocks(DEFAULT_STAGES, config);
  const blocks = [...new Set(spread)].filter((block) => block < config.runBlocks);
  if (blocks.length === 0) return { method: "none" };
  const vmtc = { method: "vmtc", ratio: DEFAULT_RATIO } as const;
  return blocks.length === DEFAULT_STAGES ? vmtc : { ...vmtc, blocks };
}

/** Patch tokens that a plan leaves, or undefined where only the picture decides (PruMerge's outlier rule). */
export function plannedTokens(plan: CompressionPlan, patches: number): number | undefined {
  if (plan.method === "none") return patches;
  if (plan.method === "vmtc") return plan.stages.at(-1)?.tokens ?? patches;
  if (plan.method === "pool") return Math.ceil(Math.sqrt(patches) / plan.factor) ** 2;
  return plan.tokens;
}

function planVmtc(
  compression: Extract<Compression, { method: "vmtc" }>,
  config: VisionConfig,
  patches: number,
): CompressionPlan {
  const {
    tokens,
    ratio = DEFAULT_RATIO,
    clusters = "auto",
    merge = "normalized",
    positions = "contiguous",
  } = compression;
  if (tokens !== undefined) checkInteger("compression.tokens", tokens, 1);
  checkNumber("compression.ratio", ratio, Number.MIN_VALUE, Number.MAX_VALUE);
  if (clusters !== "auto") checkInteger("compression.clusters", clusters, 0);
  if (merge !== "normalized" && merge !== "raw") throw new TypeError(`compression.merge must be "normalized" or "raw"`);
  if (positions !== "contiguous" && positions !== "original")
    throw new TypeError(`compression.positions must be "contiguous" or "original"`);
  const iterations = checkInteger("compression.iterations", compression.iterations ?? DEFAULT_ITERATIONS, 1, 1000);

  const blocks = stageBlocks(compression, config);
  const final = tokens ?? Math.max(1, Math.floor(ratio * patches + 1e-9));
  const stages: StagePlan[] = [];
  let before = patches;
  for (const [i, block] of blocks.entries()) {
    const count =
      i + 1 === blocks.length ? final : roundHalfUp(patches * (final / patches) ** ((i + 1) / blocks.length));
    // A stage that would not shrink does nothing, bit for bit.
    if (count >= before) continue;
    const wanted = clusters === "auto" ? Math.max(1, roundHalfUp(CLUSTER_SHARE * count)) : clusters;
    const merged = Math.min(count, wanted);
    stages.push({ block, before, tokens: count, primary: count - merged, clusters: merged });
    before = count;
  }
  return {
    method: "vmtc",
    stages,
    iterations,
    normalized: merge === "normalized",
    originalPositions: positions === "original",
  };
}

/** Blocks that hold a stage: those listed, or as many as are asked for, spread over the encoder. */
function stageBlocks(
  { blocks, stages = DEFAULT_STAGES }: Extract<Compression, { method: "vmtc" }>,
  config: VisionConfig,
): number[] {
  if (blocks !== undefined && !Array.isArray(blocks))
    throw new TypeError(`compression.blocks must be a list of numbers, got ${String(blocks)}`);
  const chosen = blocks
    ? [...blocks]
    : spreadBlocks(checkInteger("compression.stages", stages, 1, config.blocks), config);
  if (chosen.length === 0) throw new RangeError('compression.blocks is empty; for no stages use method "none"');
  for (const [i, block] of chosen.entries()) {
    if (!Number.isInteger(block) || block < 0 || block >= config.runBlocks)
      throw new RangeError(
        `compression: a stage in block ${block}, but only blocks 0 to ${config.runBlocks - 1} of this encoder run`,
      );
    if (i > 0 && block <= chosen[i - 1]!)
      throw new RangeError(`compression: the blocks of stages must be ascending and distinct, got [${chosen}]`);
  }
  return chosen;
}

/** The i-th of S stages in block floor(i * blocks / (S + 1)). */
function spreadBlocks(stages: number, { blocks }: VisionConfig): number[] {
  return Array.from({ length: stages }, (_, i) => Math.floor(((i + 1) * blocks) / (stages + 1)));
}

function roundHalfUp(value: number): number {
  return Math.floor(value + 0.5);
}
