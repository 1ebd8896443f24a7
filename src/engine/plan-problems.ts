/**
 * The parts of a planned model that will not fit, in numbers, and the remedy. Pure. No browser reports a GPU's memory.
 */
import type { BufferLimits } from "../gpu/limits.ts";
import { rowsOfView } from "../model/connector/row-count.ts";
import { type KeyValueType, layerCacheBytes } from "../model/decoder/kv-cache.ts";
import type { ModelSpec } from "../spec/model-spec.ts";

export interface Planned {
  spec: ModelSpec;
  /** Positions in the KV cache. */
  contextLength: number;
  /** Storage of keys and values. */
  keyValues: KeyValueType;
  /** Undefined if no device is known. */
  limits: BufferLimits | undefined;
  /** Bytes still to be stored. */
  bytesToStore: number;
  /** Undefined if the browser does not report it. */
  freeStorageBytes: number | undefined;
}

/** A sentence for each problem. Weights are never one: those too large for a buffer are split. */
export function planProblems({
  spec,
  contextLength,
  keyValues,
  limits,
  bytesToStore,
  freeStorageBytes,
}: Planned): string[] {
  const problems: string[] = [];
  const { decoder } = spec;
  if (decoder && limits) {
    const allowed = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
    const widest = (rows: number) => Math.max(...layerCacheBytes(decoder, rows, keyValues));
    const bytes = widest(contextLength);
    const fitting = Math.floor(allowed / widest(1));
    if (bytes > allowed)
      problems.push(
        `the keys and values of one layer take ${bytes} bytes for ${contextLength} tokens, this device binds ${allowed} at once: load with a maxContext of at most ${fitting}`,
      );
  }
  const imageTokens = decoder ? mostImageTokens(spec) : 0;
  if (imageTokens > 0 && imageTokens >= contextLength)
    problems.push(
      `a large picture takes ${imageTokens} tokens before compression, the context holds ${contextLength}: load with a larger maxContext, or ask with fewer image tokens`,
    );
  if (freeStorageBytes !== undefined && bytesToStore > freeStorageBytes)
    problems.push(
      `${bytesToStore} bytes are to be stored, the browser lets this site store ${freeStorageBytes}: delete a stored model, or load with cache "none"`,
    );
  return problems;
}

/** Tokens of the largest picture under the default budget; 0 for a model that reads none. */
function mostImageTokens({ encoder, pictures, connector }: ModelSpec): number {
  if (!encoder || !pictures) return 0;
  const { width, height } = pictures.largest;
  const plan = pictures.plan(width, height, {});
  if (pictures.order) {
    const { weights, taps } = pictures.order.arrange(plan);
    return weights.length / taps;
  }
  return plan.views.reduce((sum, { grid }) => sum + rowsOfView({ encoder, connector }, grid), 0);
}
