/** The user's settings for the next question, and their conversion to a request. Pure. */
import type { Compression, GenerateRequest, Inhibition, ModelInfo } from "../../api.ts";

type Vmtc = Extract<Compression, { method: "vmtc" }>;

/** The choices of the settings panel. */
export interface Settings {
  /** Share of a picture's tokens to keep; 1 is no compression. */
  budget: number;
  method: "vmtc" | "prune-last" | "prumerge" | "pool";
  stages: number;
  clusters: "auto" | "drop" | "fuse";
  merge: NonNullable<Vmtc["merge"]>;
  positions: NonNullable<Vmtc["positions"]>;
  /** Share of image tokens inhibited in the last layer; 0 is off. */
  inhibition: number;
  score: NonNullable<Inhibition["score"]>;
  schedule: NonNullable<Inhibition["schedule"]>;
  scope: NonNullable<Inhibition["scope"]>;
  maxTokens: number;
  temperature: number;
  /** Whether answers record where their tokens looked. */
  watch: boolean;
}

/** The paper's settings. */
export const DEFAULT_SETTINGS: Settings = {
  budget: 0.5,
  method: "vmtc",
  stages: 3,
  clusters: "auto",
  merge: "normalized",
  positions: "contiguous",
  inhibition: 0.6,
  score: "focus",
  schedule: "linear",
  scope: "row",
  maxTokens: 256,
  temperature: 0,
  watch: true,
};

/** The same settings without compression and inhibition. */
export function plainSettings(settings: Settings): Settings {
  return { ...settings, budget: 1, inhibition: 0 };
}

/** The share of image tokens that a budget leaves, in percent; for pooling about the nearest that it can do. */
export function budgetPercent({ budget, method }: Pick<Settings, "budget" | "method">): number {
  return Math.round(100 * (method === "pool" ? 1 / poolFactor(budget) ** 2 : budget));
}

function poolFactor(budget: number): number {
  return Math.max(1, Math.round(1 / Math.sqrt(budget)));
}

/** The compression of pictures for this model. */
export function compressionOf(settings: Settings, { imageTokens }: Pick<ModelInfo, "imageTokens">): Compression {
  const { budget, method, stages, merge, positions } = settings;
  if (budget >= 1 || imageTokens === 0) return { method: "none" };
  if (method === "pool") return { method, factor: poolFactor(budget) };
  // A share and no count: how many tokens a picture has depends on its tiles.
  if (method !== "vmtc") return { method, ratio: budget };
  const clusters = ({ auto: "auto", drop: 0, fuse: 1 } as const)[settings.clusters];
  return { method, ratio: budget, stages, clusters, merge, positions };
}

/** The fields of a request that the settings define. */
export function requestOf(
  settings: Settings,
  info: ModelInfo,
): Pick<GenerateRequest, "compression" | "inhibition" | "maxTokens" | "temperature" | "attention"> {
  const { inhibition, score, schedule, scope, maxTokens, temperature, watch } = settings;
  const answer = { maxTokens: Math.min(maxTokens, info.contextLength), temperature };
  if (!info.takesPictures) return answer;
  return {
    ...answer,
    compression: compressionOf(settings, info),
    inhibition: { maxRatio: inhibition, score, schedule, scope },
    attention: watch,
  };
}

/** The settings of an answer in a few words. */
export function settingsText(settings: Settings): string {
  const { budget, inhibition } = settings;
  const tokens = budget >= 1 ? "all image tokens" : `${budgetPercent(settings)} % of the image tokens`;
  return `${tokens}, ${inhibition > 0 ? `inhibition up to ${Math.round(inhibition * 100)} %` : "no inhibition"}`;
}
