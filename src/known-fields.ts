/** Names of the fields that public calls take, so that a misspelt one is refused. The types keep the lists complete. */
import type {
  CountTokensOptions,
  EncodeImageOptions,
  EncodeTextOptions,
  GenerateRequest,
  InspectRequest,
  PictureBudget,
  ScoreOptions,
  SmallCopyOptions,
  WithFallback,
  WorkerOptions,
} from "./api.ts";

/** Options of `Fovea.load` and `planModel`: also `onWait`, because a loader of the element's registry may pass it on. */
export const LOAD_FIELDS = namesOf<WorkerOptions & WithFallback & { device: unknown }>({
  device: true,
  precision: true,
  weights: true,
  keyValues: true,
  cache: true,
  hubToken: true,
  hubUrl: true,
  modelsUrl: true,
  variant: true,
  compile: true,
  fallback: true,
  maxContext: true,
  keptBytes: true,
  signal: true,
  onProgress: true,
  onWait: true,
});

export const GENERATE_FIELDS = namesOf<GenerateRequest>({
  messages: true,
  compression: true,
  inhibition: true,
  pictures: true,
  maxTokens: true,
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  presencePenalty: true,
  frequencyPenalty: true,
  logitBias: true,
  topLogprobs: true,
  seed: true,
  stop: true,
  format: true,
  tools: true,
  toolChoice: true,
  parallelToolCalls: true,
  documents: true,
  attention: true,
  signal: true,
});

export const INSPECT_FIELDS = namesOf<InspectRequest>({
  messages: true,
  addGenerationPrompt: true,
  pictures: true,
  pixelValues: true,
  inputIds: true,
  compression: true,
  inhibition: true,
  greedySteps: true,
});

export const ENCODE_FIELDS = namesOf<EncodeImageOptions>({ compression: true, pictures: true, signal: true });

export const ENCODE_TEXT_FIELDS = namesOf<EncodeTextOptions>({ signal: true });

export const SCORE_FIELDS = namesOf<ScoreOptions>({ compression: true, pictures: true, template: true, signal: true });

export const COUNT_FIELDS = namesOf<CountTokensOptions>({
  documents: true,
  compression: true,
  pictures: true,
  tools: true,
  signal: true,
});

export const SMALL_COPY_FIELDS = namesOf<SmallCopyOptions>({
  weights: true,
  name: true,
  replace: true,
  cache: true,
  hubToken: true,
  hubUrl: true,
  modelsUrl: true,
  variant: true,
  signal: true,
  onProgress: true,
});

export const BUDGET_FIELDS = namesOf<PictureBudget>({ maxTiles: true, maxPixels: true, minPixels: true });

function namesOf<T>(fields: Record<keyof T, true>): readonly string[] {
  return Object.keys(fields);
}
