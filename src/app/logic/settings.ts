/** The user's settings for the next question, and their conversion to a request. Pure. */
import type { Compression, GenerateRequest, Inhibition, ModelInfo } from "../../api.ts";

type Vmtc = Extract<Compression, { method: "vmtc" }>;
type AskedModel = Pick<ModelInfo, "defaults" | "imageTokens">;

/** The choices of the settings panel. */
export interface Settings {
  /** Share of a picture's tokens to keep; 1 is no compression. */
  budget: number;
  method: Exclude<Compression["method"], "none">;
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
  /** True if answers record where their tokens looked. */
  watch: boolean;
}

/**
 * Without a model, and of a model that recommends nothing: no compression and no inhibition, else the paper's settings.
 */
export const PLAIN_SETTINGS: Settings = {
  budget: 1,
  method: "vmtc",
  stages: 3,
  clusters: "auto",
  merge: "normalized",
  positions: "contiguous",
  inhibition: 0,
  score: "focus",
  schedule: "linear",
  scope: "row",
  maxTokens: 256,
  temperature: 0,
  watch: true,
};

/** Half of the tokens by one press. The estimate of shared/half-tokens.ts is for these. */
export const HALF: Pick<Settings, "budget" | "method" | "stages"> = { budget: 0.5, method: "vmtc", stages: 3 };

/** The settings that a model recommends. */
export function settingsOf({ defaults, imageTokens }: AskedModel): Settings {
  const { maxRatio, score, schedule, scope } = defaults.inhibition;
  return {
    ...PLAIN_SETTINGS,
    ...compressionSettings(defaults.compression, imageTokens),
    inhibition: maxRatio,
    ...(score && { score }),
    ...(schedule && { schedule }),
    ...(scope && { scope }),
  };
}

/** Counts become shares of a view, so that tiles of a larger picture keep as much. */
function compressionSettings(compression: Compression, imageTokens: number): Partial<Settings> {
  const { method } = compression;
  if (method === "none") return {};
  if (method === "pool") return { method, budget: 1 / compression.factor ** 2 };
  const { tokens, ratio = 0.5 } = compression;
  const budget = Math.min(1, tokens === undefined ? ratio : tokens / Math.max(1, imageTokens));
  if (method !== "vmtc") return { method, budget };
  const { blocks, stages = blocks?.length ?? PLAIN_SETTINGS.stages, clusters, merge, positions } = compression;
  return {
    method,
    budget,
    stages,
    clusters: clusters === 0 ? "drop" : clusters === 1 ? "fuse" : "auto",
    ...(merge && { merge }),
    ...(positions && { positions }),
  };
}

/** The settings after another model's defaults replaced those of `before`: what the user changed stays. */
export function followDefaults(settings: Settings, before: Settings, after: Settings): Settings {
  const changed = Object.entries(settings).filter(([name, value]) => value !== before[name as keyof Settings]);
  return { ...after, ...Object.fromEntries(changed) };
}

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

const RESEARCH_FIELDS = ["method", "stages", "clusters", "merge", "positions"] as const;
const COMPRESSION_FIELDS = ["budget", "method", "stages", "clusters", "merge", "positions"] as const;
const INHIBITION_FIELDS = ["inhibition", "score", "schedule", "scope"] as const;

/**
 * True if these settings are the model's own. Its defaults, which may say more than the panel shows, are then sent
 * unchanged.
 */
function areDefaults(names: readonly (keyof Settings)[], settings: Settings, info: AskedModel): boolean {
  const own = settingsOf(info);
  return names.every((name) => settings[name] === own[name]);
}

/** The compression of pictures for this model. */
export function compressionOf(settings: Settings, info: AskedModel): Compression {
  const { budget, method, stages, merge, positions } = settings;
  if (budget >= 1 || info.imageTokens === 0) return { method: "none" };
  if (areDefaults(COMPRESSION_FIELDS, settings, info)) return info.defaults.compression;
  if (method === "pool") return { method, factor: poolFactor(budget) };
  // A share and no count: how many tokens a picture has depends on its tiles.
  if (method !== "vmtc") return { method, ratio: budget };
  const clusters = ({ auto: "auto", drop: 0, fuse: 1 } as const)[settings.clusters];
  return { method, ratio: budget, stages, clusters, merge, positions };
}

function inhibitionOf(settings: Settings, info: AskedModel): Inhibition {
  const { inhibition, score, schedule, scope } = settings;
  if (areDefaults(INHIBITION_FIELDS, settings, info)) return info.defaults.inhibition;
  return { maxRatio: inhibition, score, schedule, scope };
}

/** The fields of a request that the settings define. */
export function requestOf(
  settings: Settings,
  info: ModelInfo,
): Pick<GenerateRequest, "compression" | "inhibition" | "maxTokens" | "temperature" | "attention"> {
  const { maxTokens, temperature, watch } = settings;
  const answer = { maxTokens: Math.min(maxTokens, info.contextLength), temperature };
  if (!info.takesPictures) return answer;
  return {
    ...answer,
    compression: compressionOf(settings, info),
    inhibition: inhibitionOf(settings, info),
    attention: watch,
  };
}

/**
 * The properties of the element that the settings define. The token budget is its attribute `tokens` where that says
 * all of it: the element can then offer half of the tokens. Any other compression is a field of `settings`.
 *
 * @param info of the loaded model; without it the fields that depend on it are left out
 */
export function elementSettings(
  settings: Settings,
  info: ModelInfo | undefined,
): { tokens: `${number}%` | "none" | null; settings: Omit<GenerateRequest, "messages" | "signal"> } {
  if (!info) return { tokens: null, settings: { maxTokens: settings.maxTokens, temperature: settings.temperature } };
  const { compression, attention: _, ...request } = requestOf(settings, info);
  const isSimple = RESEARCH_FIELDS.every((name) => settings[name] === PLAIN_SETTINGS[name]);
  if (settings.budget >= 1)
    return { tokens: info.defaults.compression.method === "none" ? null : "none", settings: request };
  if (isSimple && !areDefaults(COMPRESSION_FIELDS, settings, info))
    return { tokens: `${100 * settings.budget}%`, settings: request };
  return { tokens: null, settings: { ...request, ...(compression && { compression }) } };
}

/**
 * The settings of an answer that are not the model's own: "compression pool, factor 2; inhibition off". "" if all are.
 */
export function changesText(
  { compression, inhibition, temperature = 0 }: Pick<GenerateRequest, "compression" | "inhibition" | "temperature">,
  { defaults }: Pick<ModelInfo, "defaults">,
): string {
  const parts: string[] = [];
  if (compression && wordsOf(compression) !== wordsOf(defaults.compression))
    parts.push(`compression ${compression.method === "none" ? "off" : wordsOf(compression)}`);
  if (inhibition && wordsOf(inhibition) !== wordsOf(defaults.inhibition))
    parts.push(`inhibition ${inhibition.maxRatio === 0 ? "off" : wordsOf(inhibition)}`);
  if (temperature > 0) parts.push(`temperature ${temperature}`);
  return parts.join("; ");
}

/** Names and values of options, the method first and without its name. */
function wordsOf(options: object): string {
  const entries = Object.entries(options).filter(([name, value]) => name !== "method" && value !== undefined);
  const words = entries.map(([name, value]) => `${name} ${value}`).sort();
  return [...("method" in options ? [String(options.method)] : []), ...words].join(", ");
}

/** The call of `generate` with these settings, as TypeScript. */
export function codeOf(settings: Settings, info: ModelInfo): string {
  const { attention: _, ...request } = requestOf(settings, info);
  const fields = Object.entries(request).map(([name, value]) => `  ${name}: ${literal(value)},`);
  return `fovea.generate({\n  messages,\n${fields.join("\n")}\n});\n`;
}

/** A value of settings as a literal: object keys without quotes. */
function literal(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{ ${fields.map(([name, inner]) => `${name}: ${literal(inner)}`).join(", ")} }`;
}
