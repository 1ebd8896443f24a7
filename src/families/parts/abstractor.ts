/** mPLUG-Owl2's abstractor: learned queries attend to themselves and to the features, with stored positions. */
import type { ConnectorStep, EncoderSpec } from "../../spec/model-spec.ts";
import type { QueryStep } from "../../spec/query-spec.ts";
import { layerNorm, linear, stack, type TensorSpec } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { MAX_BLOCKS, MAX_HEAD_WIDTH, MAX_HEADS, MAX_MLP_WIDTH } from "./encoder-config.ts";

const PREFIX = "model.visual_abstractor.";
/** Epsilon of the norms of queries and features; configs do not change it. */
const EPS = 1e-5;
const MAX_QUERIES = 4096;

/**
 * Reads the fields of `visual_abstractor`.
 *
 * @param width of the decoder
 * @throws FoveaError `unsupported-model`
 */
export function readAbstractor(
  fields: ConfigFields,
  encoder: EncoderSpec,
  width: number,
): { steps: ConnectorStep[]; tensors: TensorSpec[] } {
  const own = encoder.width;
  for (const name of ["hidden_size", "encoder_hidden_size"]) fields.integer(name, own, own, own);
  const heads = fields.integer("num_attention_heads", 16, 1, MAX_HEADS);
  if (own % heads !== 0 || own / heads > MAX_HEAD_WIDTH)
    throw fields.unsupported("num_attention_heads", `a divisor of ${own}, heads of at most ${MAX_HEAD_WIDTH}`);
  const count = fields.integer("num_learnable_queries", 64, 1, MAX_QUERIES);
  const layers = fields.integer("num_hidden_layers", 6, 1, MAX_BLOCKS);
  const mlp = fields.integer("intermediate_size", 2816, 1, MAX_MLP_WIDTH);
  const innerNormEps = fields.number("layer_norm_eps", 1e-6, 1e-20, 0.1);
  const steps: QueryStep[] = [];
  const tensors: TensorSpec[] = [stack("connector.queries", "table", [PREFIX], [["query_embeds", [count, own]]])];
  const { rows, cols } = encoder.positions.grid;
  for (let layer = 0; layer < layers; layer++) {
    const slot = `connector.layers.${layer}`;
    const below = [`${PREFIX}encoder.layers.${layer}.crossattention.`];
    const norm = (name: string, source: string, size = own) => layerNorm(`${slot}.${name}`, below, source, size);
    const product = (name: string, sources: readonly string[], made: number, cols: number) =>
      linear(
        `${slot}.${name}`,
        below,
        sources.map((source) => [source, made / sources.length] as const),
        { cols, bias: true },
      );
    const table = (name: string, source: string, size: number) =>
      stack(`${slot}.${name}`, "table", below, [[`attention.${source}`, [size, own]]]);
    const positions = { queries: `${slot}.queryPlaces`, features: `${slot}.featurePlaces` };
    steps.push({ op: "norm", slot: `${slot}.norm1`, eps: EPS });
    steps.push({ op: "attend", slot: `${slot}.attention`, heads, reads: "both", featureNormEps: EPS, positions });
    steps.push({
      ...{ op: "mlp", slot: `${slot}.mlp`, width: mlp, activation: "silu", gated: true },
      ...{ normEps: EPS, innerNormEps },
    });
    tensors.push(
      ...norm("norm1", "norm1"),
      ...norm("attention.featureNorm", "normk"),
      table("queryPlaces", "q_pos_embed", count),
      table("featurePlaces", "k_pos_embed", rows * cols + (encoder.classToken ? 1 : 0)),
      ...["query", "key", "value"].flatMap((name) => product(`attention.${name}`, [`attention.${name}`], own, own)),
      ...product("attention.out", ["output.out_proj"], own, own),
      ...norm("mlp.norm", "output.norm2"),
      ...product("mlp.gateUp", ["output.mlp.w1", "output.mlp.w3"], 2 * mlp, own),
      ...norm("mlp.innerNorm", "output.mlp.ffn_ln", mlp),
      ...product("mlp.down", ["output.mlp.w2"], own, mlp),
    );
  }
  tensors.push(
    ...linear("connector.projection", [PREFIX], [["visual_fc", width]], { cols: own, bias: true }),
    stack("connector.end", "table", [PREFIX], [["vit_eos", [1, width]]]),
  );
  const queries = { slot: "connector", count, width: own, steps };
  return {
    steps: [
      { op: "queries", queries },
      { op: "linear", slot: "connector.projection", width, activation: "none" },
      { op: "append", slot: "connector.end", rows: 1 },
    ],
    tensors,
  };
}
