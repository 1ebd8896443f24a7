/** Embeds texts, and scores how well texts describe a picture. */
import type { EmbeddingInfo, ImageScores, ScoreOptions, TextEmbeddings } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { TextEmbedder } from "../model/encoder/text-embedder.ts";
import type { TextIds } from "../text/text-ids.ts";
import type { Engine } from "./engine.ts";
import { encodeImage } from "./pictures.ts";
import type { RequestPicture } from "./request-pictures.ts";
import { toUnit } from "./unit-vector.ts";

/** The place of the label in a template. */
const LABEL = "{}";

/** Tokenized texts. */
export interface PreparedTexts {
  ids: number[][];
  tokens: number[];
}

/** The text parts of a model. Throws FoveaError `unsupported-model`. */
function needTexts({ texts, textIds, spec }: Engine): { texts: TextEmbedder; textIds: TextIds } {
  if (!texts)
    throw new FoveaError(
      "unsupported-model",
      `this model, of the family ${spec.family}, has no text encoder; load one that embeds pictures and texts`,
    );
  if (!textIds) throw new FoveaError("unsupported-model", "the model has no tokenizer.json, so it cannot read texts");
  return { texts, textIds };
}

/** Throws FoveaError `unsupported-model` for a model that does not compare pictures with texts. */
export function needComparison(engine: Engine): NonNullable<EmbeddingInfo["comparison"]> {
  needTexts(engine);
  if (engine.comparison) return engine.comparison;
  throw new FoveaError("unsupported-model", "this model has no encoder of pictures, so it cannot score one");
}

/** Throws TypeError unless it is a list of strings, RangeError for an empty one. */
export function checkTexts(texts: unknown): asserts texts is readonly string[] {
  if (!Array.isArray(texts)) throw new TypeError(`texts must be a list of strings, got ${typeof texts}`);
  if (texts.length === 0) throw new RangeError("texts must have at least one string, got an empty list");
  const at = texts.findIndex((text) => typeof text !== "string");
  if (at >= 0) throw new TypeError(`texts[${at}] must be a string, got ${typeof texts[at]}`);
}

/** Throws TypeError unless it is undefined or a string with a place for the label. */
export function checkTemplate(template: unknown): void {
  if (template === undefined) return;
  if (typeof template !== "string" || !template.includes(LABEL))
    throw new TypeError(`template must be a string with ${LABEL} in the label's place`);
}

/** Tokenizes texts, before any GPU work. Throws as `needTexts`, and RangeError for a text that is too long. */
export function prepareTexts(engine: Engine, texts: readonly string[], template?: string): PreparedTexts {
  const { textIds } = needTexts(engine);
  // A function as replacement, because "$&" in a label must stay text.
  const all = template === undefined ? texts : texts.map((label) => template.replaceAll(LABEL, () => label));
  const encoded = all.map((text) => textIds.encode(text));
  return { ids: encoded.map(({ ids }) => ids), tokens: encoded.map(({ tokens }) => tokens) };
}

/** The caller holds the engine's lock. Throws as `Fovea.encodeText`. */
export async function encodeText(
  engine: Engine,
  { ids, tokens }: PreparedTexts,
  signal: AbortSignal | undefined,
): Promise<TextEmbeddings> {
  const { texts } = needTexts(engine);
  const start = performance.now();
  const cols = texts.width;
  const data = await texts.embed(engine.gpu, ids, signal);
  for (let at = 0; at < data.length; at += cols)
    toUnit(data.subarray(at, at + cols), "values in the embedding of a text");
  return { embeddings: { data, rows: ids.length, cols }, tokens, milliseconds: performance.now() - start };
}

/** The caller holds the engine's lock. Throws as `Fovea.score`. */
export async function score(
  engine: Engine,
  input: RequestPicture,
  prepared: PreparedTexts,
  { template: _, ...options }: ScoreOptions,
): Promise<ImageScores> {
  const comparison = needComparison(engine);
  const start = performance.now();
  const { embedding } = await encodeImage(engine, input, options);
  const { embeddings } = await encodeText(engine, prepared, options.signal);
  const { data, rows, cols } = embeddings;
  const logits = Float32Array.from({ length: rows }, (_, row) => {
    let product = 0;
    for (let i = 0; i < cols; i++) product += embedding![i]! * data[row * cols + i]!;
    return comparison.scale * product + comparison.bias;
  });
  return { logits, probabilities: probabilitiesOf(logits, comparison), milliseconds: performance.now() - start };
}

function probabilitiesOf(
  logits: Float32Array,
  { probabilities }: NonNullable<EmbeddingInfo["comparison"]>,
): Float32Array {
  if (probabilities === "sigmoid") return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b);
  return Float32Array.from(weights, (weight) => weight / sum);
}

/** Undefined for a model without embeddings. */
export function embeddingInfo({ spec, texts, textIds, comparison }: Engine): EmbeddingInfo | undefined {
  const { pooling } = spec;
  if (!pooling && !texts) return undefined;
  return {
    width: pooling?.width ?? texts!.width,
    pictures: pooling !== undefined,
    texts: texts !== undefined && textIds !== undefined,
    maxTokens: texts?.spec.maxTokens ?? 0,
    ...(comparison && { comparison }),
  };
}
