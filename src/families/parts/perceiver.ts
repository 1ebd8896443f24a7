/**
 * The perceiver resampler of IDEFICS (Flamingo, Alayrac et al. 2022): learned queries read the features and themselves.
 * Source: transformers, `models/idefics/perceiver.py`.
 */
import type { ConnectorStep } from "../../spec/model-spec.ts";
import type { QueryStep } from "../../spec/query-spec.ts";
import { layerNorm, linear, stack, type TensorSpec } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { MAX_BLOCKS, MAX_HEAD_WIDTH, MAX_HEADS } from "./encoder-config.ts";

const PREFIX = "model.perceiver_resampler.";
/** Of every norm: the published code sets none. */
const EPS = 1e-5;
const MAX_QUERIES = 4096;

/**
 * Reads the fields of `perceiver_config`.
 *
 * @param width of the features, and of the queries
 * @throws FoveaError `unsupported-model`
 */
export function readPerceiver(fields: ConfigFields, width: number): { steps: ConnectorStep[]; tensors: TensorSpec[] } {
  const heads = fields.integer("resampler_n_heads", 16, 1, MAX_HEADS);
  const headWidth = fields.integer("resampler_head_dim", 96, 1, MAX_HEAD_WIDTH);
  const count = fields.integer("resampler_n_latents", 64, 1, MAX_QUERIES);
  const depth = fields.integer("resampler_depth", 6, 1, MAX_BLOCKS);
  const hasNorms = fields.boolean("qk_layer_norms_perceiver", false);
  const [own, mlp] = [heads * headWidth, 4 * width];
  const steps: QueryStep[] = [];
  const tensors: TensorSpec[] = [stack("connector.queries", "table", [PREFIX], [["latents", [count, width]]])];
  for (let block = 0; block < depth; block++) {
    const slot = `connector.blocks.${block}`;
    const below = [`${PREFIX}blocks.${block}.`];
    const norm = (name: string, source: string, size = width) => layerNorm(`${slot}.${name}`, below, source, size);
    const product = (name: string, source: string, rows: number, cols: number) =>
      linear(`${slot}.${name}`, below, [[source, rows]], { cols, bias: false });
    steps.push({
      ...{ op: "attend", slot: `${slot}.attention`, heads, headWidth, reads: "both" },
      ...{ normEps: EPS, featureNormEps: EPS, ...(hasNorms && { qkNormEps: EPS }) },
    });
    steps.push({ op: "mlp", slot: `${slot}.mlp`, width: mlp, activation: "relu", normEps: EPS });
    tensors.push(
      ...norm("attention.norm", "0.latents_layer_norm"),
      ...norm("attention.featureNorm", "0.context_layer_norm"),
      ...["query", "key", "value"].flatMap((name) => product(`attention.${name}`, `0.${name[0]}_proj`, own, width)),
      ...(hasNorms ? ["query", "key"] : []).flatMap((name) =>
        norm(`attention.${name}Norm`, `0.${name[0]}_layer_norm`, headWidth),
      ),
      ...product("attention.out", "0.output_proj", width, own),
      ...norm("mlp.norm", "1.ln"),
      ...product("mlp.up", "1.fc", mlp, width),
      ...product("mlp.down", "1.c_proj", width, mlp),
    );
  }
  tensors.push(...layerNorm("connector.norm", [PREFIX], "layer_norm", width));
  return {
    steps: [
      { op: "queries", queries: { slot: "connector", count, width, steps } },
      { op: "norm", slot: "connector.norm", eps: EPS },
    ],
    tensors,
  };
}
