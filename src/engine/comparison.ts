/** Reads the scale and bias by which a model compares pictures with texts. */
import type { EmbeddingInfo } from "../api.ts";
import { notFiniteError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { readFloats } from "../gpu/readback.ts";
import type { Weights } from "../model/load/fill.ts";
import type { ModelSpec } from "../spec/model-spec.ts";

/** Reads them from the weights on the GPU. Throws FoveaError `bad-weights` for a scale or bias that is not finite. */
export async function readComparison(
  gpu: Gpu,
  weights: Weights,
  { comparison }: ModelSpec,
): Promise<EmbeddingInfo["comparison"]> {
  if (!comparison) return undefined;
  const read = async (name: string) => (await readFloats(gpu, weights.get(name)))[0]!;
  const scale = Math.exp(await read("compare.scale"));
  const bias = comparison.bias ? await read("compare.bias") : 0;
  if (!Number.isFinite(Math.fround(scale)) || !Number.isFinite(bias)) throw notFiniteError("scale or bias of scores");
  return { scale, bias, probabilities: comparison.probabilities };
}
