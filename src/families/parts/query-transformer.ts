/**
 * The Q-Former: a BERT whose learned queries read the encoder's features by cross-attention, and the question's tokens
 * by self-attention. Source: transformers, `modeling_blip_2.py`, `modeling_instructblip.py`.
 */
import type { Activation } from "../../shared/activation.ts";
import type { QueriesSpec, QueryStep } from "../../spec/query-spec.ts";
import { layerNorm, linear, stack, type TensorSpec } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { HIDDEN_ACTIVATIONS } from "./activations.ts";
import { MAX_VOCABULARY } from "./decoder-config.ts";
import { MAX_BLOCKS, MAX_HEAD_WIDTH, MAX_HEADS, MAX_MLP_WIDTH, MAX_WIDTH } from "./encoder-config.ts";

const SLOT = "connector";
const MAX_QUERIES = 4096;
const MAX_QUESTION = 4096;
const PREFIX = "qformer.";

/** A read Q-Former. */
export interface QueryTransformer {
  queries: QueriesSpec;
  tensors: TensorSpec[];
  /** True for a tensor of the Q-Former that a file may hold and that has no effect. */
  ignores(name: string): boolean;
}

/** Sizes that the steps and the tensors share. */
interface Sizes {
  width: number;
  heads: number;
  layers: number;
  mlpWidth: number;
  activation: Activation;
  eps: number;
  /** Layers from one with cross-attention to the next. */
  frequency: number;
}

/**
 * Reads config.json.
 *
 * @param featureWidth of the encoder
 * @param readsText the queries read the question too
 * @throws FoveaError `unsupported-model`
 */
export function readQueryTransformer(
  config: ConfigFields,
  { featureWidth, readsText }: { featureWidth: number; readsText: boolean },
): QueryTransformer {
  const fields = config.objectOrEmpty("qformer_config");
  const sizes = readSizes(fields);
  fields.integer("encoder_hidden_size", featureWidth, featureWidth, featureWidth);
  fields.choice("position_embedding_type", "absolute", { absolute: true });
  if (fields.boolean("use_qformer_text_input", readsText) !== readsText)
    throw fields.unsupported("use_qformer_text_input", String(readsText));
  const count = config.integer("num_query_tokens", 32, 1, MAX_QUERIES);
  const text = {
    vocabularySize: fields.integer("vocab_size", 30522, 1, MAX_VOCABULARY),
    maxTokens: fields.integer("max_position_embeddings", 512, 1, MAX_QUESTION),
  };
  const steps = stepsOf(sizes, readsText);
  const queries = { slot: SLOT, count, width: sizes.width, steps, ...(readsText && { text }) };
  return {
    queries,
    tensors: tensorsOf(queries, sizes, featureWidth),
    ignores: (name) => isUnused(name, sizes, readsText),
  };
}

function readSizes(fields: ConfigFields): Sizes {
  const width = fields.integer("hidden_size", 768, 1, MAX_WIDTH);
  const heads = fields.integer("num_attention_heads", 12, 1, MAX_HEADS);
  if (width % heads !== 0 || width / heads > MAX_HEAD_WIDTH)
    throw fields.unsupported(
      "num_attention_heads",
      `a divisor of hidden_size ${width} that makes heads of at most ${MAX_HEAD_WIDTH}`,
    );
  return {
    width,
    heads,
    layers: fields.integer("num_hidden_layers", 12, 1, MAX_BLOCKS),
    mlpWidth: fields.integer("intermediate_size", 3072, 1, MAX_MLP_WIDTH),
    activation: fields.choice("hidden_act", "gelu", HIDDEN_ACTIVATIONS),
    eps: fields.number("layer_norm_eps", 1e-12, 1e-20, 0.1),
    frequency: fields.integer("cross_attention_frequency", 2, 1, MAX_BLOCKS),
  };
}

/** Every half of a layer has its norm after the sum. The last layer's MLP for text changes no query. */
function stepsOf(
  { layers, heads, mlpWidth: width, activation, eps, frequency }: Sizes,
  readsText: boolean,
): QueryStep[] {
  const steps: QueryStep[] = [{ op: "norm", slot: `${SLOT}.norm`, eps }];
  for (let layer = 0; layer < layers; layer++) {
    const slot = `${SLOT}.layers.${layer}`;
    const queries = { rows: "queries" } as const;
    steps.push({ op: "attend", slot: `${slot}.self`, heads, reads: "rows" });
    steps.push({ op: "norm", slot: `${slot}.selfNorm`, eps });
    if (layer % frequency === 0) {
      steps.push({ op: "attend", slot: `${slot}.cross`, heads, reads: "features", ...queries });
      steps.push({ op: "norm", slot: `${slot}.crossNorm`, eps, ...queries });
    }
    steps.push({ op: "mlp", slot: `${slot}.mlp`, width, activation, ...queries });
    steps.push({ op: "norm", slot: `${slot}.mlpNorm`, eps, ...queries });
    if (!readsText || layer + 1 === layers) continue;
    steps.push({ op: "mlp", slot: `${slot}.textMlp`, width, activation, rows: "text" });
    steps.push({ op: "norm", slot: `${slot}.textMlpNorm`, eps, rows: "text" });
  }
  return steps;
}

/** Names below a layer, by the last part of a step's slot. */
const SOURCES: Readonly<Record<string, string>> = {
  self: "attention.attention",
  selfNorm: "attention.output.LayerNorm",
  cross: "crossattention.attention",
  crossNorm: "crossattention.output.LayerNorm",
  mlp: "intermediate_query",
  mlpNorm: "output_query.LayerNorm",
  textMlp: "intermediate",
  textMlpNorm: "output.LayerNorm",
};

function tensorsOf({ count, steps, text }: QueriesSpec, { width }: Sizes, featureWidth: number): TensorSpec[] {
  const words = `${PREFIX}embeddings.word_embeddings.weight`;
  const places = `${PREFIX}embeddings.position_embeddings.weight`;
  return [
    stack(`${SLOT}.queries`, "table", ["query_tokens"], [["", [count, width]]]),
    ...(text
      ? [
          stack(`${SLOT}.words`, "embedding", [words], [["", [text.vocabularySize, width]]]),
          stack(`${SLOT}.places`, "table", [places], [["", [text.maxTokens, width]]]),
        ]
      : []),
    ...steps.flatMap((step) => tensorsOfStep(step, { width, featureWidth, readsText: text !== undefined })),
  ];
}

function tensorsOfStep(
  step: QueryStep,
  { width, featureWidth, readsText }: { width: number; featureWidth: number; readsText: boolean },
): TensorSpec[] {
  const { slot } = step;
  const [, layer, part = ""] = /\.layers\.(\d+)\.(\w+)$/.exec(slot) ?? [];
  if (layer === undefined) {
    const prefix = readsText ? `${PREFIX}embeddings.` : PREFIX;
    return layerNorm(slot, [prefix], "layernorm", width);
  }
  const below = [`${PREFIX}encoder.layer.${layer}.`];
  const source = SOURCES[part]!;
  const product = (name: string, from: string, rows: number, cols: number) =>
    linear(`${slot}.${name}`, below, [[from, rows]], { cols, bias: true });
  if (step.op === "norm") return layerNorm(slot, below, source, width);
  if (step.op === "mlp") {
    const output = source.replace("intermediate", "output");
    return [
      ...product("up", `${source}.dense`, step.width, width),
      ...product("down", `${output}.dense`, width, step.width),
    ];
  }
  const read = step.reads === "features" ? featureWidth : width;
  return [
    ...product("query", `${source}.query`, width, width),
    ...product("key", `${source}.key`, width, read),
    ...product("value", `${source}.value`, width, read),
    ...product("out", `${source.replace(/attention$/, "output")}.dense`, width, width),
  ];
}

/** The MLP for text: of all layers if no text is read, otherwise of the last layer. */
function isUnused(name: string, { layers }: Sizes, readsText: boolean): boolean {
  const half = /^qformer\.encoder\.layer\.(\d+)\.(intermediate|output)\./.exec(name);
  if (half) return Number(half[1]) < layers && (!readsText || Number(half[1]) + 1 === layers);
  return !readsText && /^qformer\.embeddings\./.test(name);
}
