/** Parts that few models need. They are loaded with a model's description, before anything is built from it. */
import { LatePart } from "../late-part.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { queriesOf } from "./connector/row-count.ts";

export const RECURRENT = new LatePart("recurrent layers", () => import("./decoder/recurrent-layers.ts"));
export const QUERIES = new LatePart("learned queries", () => import("./connector/queries.ts"));
export const TEXT_ENCODER = new LatePart("text encoders", () => import("./encoder/text-embedder.ts"));

/** Loads the parts that building and running the model needs. Throws FoveaError `download-failed`. */
export async function loadPartsFor(
  spec: Pick<ModelSpec, "decoder" | "connector" | "tapConnectors" | "textEncoder">,
): Promise<void> {
  const { decoder, connector, tapConnectors = [], textEncoder } = spec;
  const isRecurrent = decoder?.layers.some(({ delta, convolution }) => delta || convolution);
  const isQueried = [connector, ...tapConnectors].some(queriesOf);
  await Promise.all([isRecurrent && RECURRENT.load(), isQueried && QUERIES.load(), textEncoder && TEXT_ENCODER.load()]);
}
