/** The Llama / Qwen2 decoder over a whole sequence at once, with attention inhibition, in f64. Keeps no cache. */
import { type AttentionOptions, type AttentionShape, attention } from "../attention.ts";
import { focusScores } from "../focus.ts";
import { gate } from "../gate.ts";
import { headMeanAttention } from "../head-mean.ts";
import { inhibit, inhibitionRatio } from "../inhibit.ts";
import { matmul } from "../matmul.ts";
import { rmsNorm } from "../rms-norm.ts";
import { plainFrequencies, rope } from "../rope.ts";
import { tokenEmbed } from "../token-embed.ts";
import { causal } from "../visible.ts";
import type { Inhibition, TextConfig } from "./settings.ts";
import { tensorData, type Weights } from "./weights.ts";

/** Token embeddings and image features in one sequence of T tokens. */
export interface Prompt {
  /** [T, C] */
  embeddings: Float64Array;
  /** [T], what RoPE turns by. */
  positions: number[];
  /** [T, 2], the half-open range of rows that each row sees; default causal. */
  visible?: readonly number[];
  /** Position of the next token after the prompt. */
  nextPosition: number;
  /** Sequence indices of each image's tokens, ascending; all others are text rows. */
  images: number[][];
}

function visibleOf({ positions, visible }: Prompt): readonly number[] {
  return visible ?? causal(positions.length);
}

/** Result of inhibition in one layer; m text rows, n image tokens. */
export interface InhibitedLayer {
  layer: number;
  ratio: number;
  /** [m, n] */
  focus: Float64Array;
  /** [m, n] */
  inhibited: Uint8Array;
  /** [m, 1], or [m, images] with scope "image"; NaN where a row sees none. */
  threshold: Float64Array;
}

/** Pass 1's scores of one layer and the mask that follows, over text rows and image columns. */
function inhibitLayer(
  q: Float64Array,
  k: Float64Array,
  logSumExp: Float64Array,
  shape: AttentionShape,
  prompt: Prompt,
  layer: number,
  ratio: number,
  settings: Inhibition,
): InhibitedLayer {
  const columns = prompt.images.flat();
  const textRows = [...prompt.positions.keys()].filter((t) => !columns.includes(t));
  const visible = visibleOf(prompt);
  const mean = headMeanAttention(q, k, logSumExp, shape, { visible }, settings.scores);
  const focus = focusScores(mean, textRows, columns, visible, settings.score, settings.discount);
  return { layer, ratio, focus, ...inhibit(focus, textRows, prompt.images, visible, ratio, settings.scope) };
}

/** The [m, n] mask of text rows and image columns as a [T, T] mask. */
function sequenceMask(inhibited: Uint8Array, prompt: Prompt): Uint8Array {
  const tokens = prompt.positions.length;
  const columns = prompt.images.flat();
  const textRows = [...prompt.positions.keys()].filter((t) => !columns.includes(t));
  const mask = new Uint8Array(tokens * tokens);
  textRows.forEach((t, row) => {
    columns.forEach((s, column) => {
      mask[t * tokens + s] = inhibited[row * columns.length + column]!;
    });
  });
  return mask;
}

/**
 * @param weights canonical names, `text.*` and, unless tied, `head.weight`
 * @returns logits [T, V] of every position; layers, those with a ratio above 0
 */
export function decode(
  prompt: Prompt,
  config: TextConfig,
  weights: Weights,
  inhibition?: Inhibition,
): { logits: Float64Array; layers: InhibitedLayer[] } {
  const width = config.hidden_size;
  const headWidth = config.head_dim ?? width / config.num_attention_heads;
  const shape: AttentionShape = { heads: config.num_attention_heads, keyHeads: config.num_key_value_heads, headWidth };
  const options: AttentionOptions = { visible: visibleOf(prompt) };
  const frequencies = plainFrequencies(headWidth, config.rope_theta);
  const layers: InhibitedLayer[] = [];
  let x = prompt.embeddings;

  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const tensor = (name: string) => tensorData(weights, `text.layers.${layer}.${name}`);
    const linear = (name: string, z: Float64Array, residual?: Float64Array) => {
      const bias = weights.get(`text.layers.${layer}.${name}.bias`)?.data;
      const inner = z.length / prompt.positions.length;
      return matmul(z, tensor(`${name}.weight`), inner, { bias, ...(residual ? { residual } : {}) });
    };

    const normed = rmsNorm(x, tensor("input_layernorm.weight"), config.rms_norm_eps);
    const q = rope(linear("self_attn.q_proj", normed), prompt.positions, frequencies);
    const k = rope(linear("self_attn.k_proj", normed), prompt.positions, frequencies);
    const v = linear("self_attn.v_proj", normed);
    let attended = attention(q, k, v, shape, options);

    const ratio = inhibition
      ? inhibitionRatio(layer, config.num_hidden_layers, inhibition.maxRatio, inhibition.schedule)
      : 0;
    if (inhibition && ratio > 0) {
      const record = inhibitLayer(q, k, attended.logSumExp, shape, prompt, layer, ratio, inhibition);
      layers.push(record);
      attended = attention(q, k, v, shape, { ...options, inhibited: sequenceMask(record.inhibited, prompt) });
    }
    const z = linear("self_attn.o_proj", attended.output, x);

    const mlpInput = rmsNorm(z, tensor("post_attention_layernorm.weight"), config.rms_norm_eps);
    const gated = gate(linear("mlp.gate_proj", mlpInput), linear("mlp.up_proj", mlpInput));
    x = linear("mlp.down_proj", gated, z);
  }

  const final = rmsNorm(x, tensorData(weights, "text.norm.weight"), config.rms_norm_eps);
  const head = weights.get("head.weight")?.data ?? tensorData(weights, "text.embed_tokens.weight");
  return { logits: matmul(final, head, width), layers };
}

/** The prompt followed by more text tokens. */
export function extendPrompt(prompt: Prompt, ids: readonly number[], config: TextConfig, weights: Weights): Prompt {
  const embeddings = tokenEmbed(ids, tensorData(weights, "text.embed_tokens.weight"), config.hidden_size);
  return {
    embeddings: new Float64Array([...prompt.embeddings, ...embeddings]),
    positions: [...prompt.positions, ...ids.map((_, i) => prompt.nextPosition + i)],
    nextPosition: prompt.nextPosition + ids.length,
    images: prompt.images,
    ...(prompt.visible && { visible: [...prompt.visible, ...causal(ids.length, prompt.positions.length)] }),
  };
}

/** A prompt of text alone. */
export function textPrompt(ids: readonly number[], config: TextConfig, weights: Weights): Prompt {
  const empty: Prompt = { embeddings: new Float64Array(0), positions: [], nextPosition: 0, images: [] };
  return extendPrompt(empty, ids, config, weights);
}

/** The largest logit's id, the lower one of equals. */
export function argmax(logits: ArrayLike<number>, banned: readonly number[] = []): number {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    if (!banned.includes(id) && (best < 0 || logits[id]! > logits[best]!)) best = id;
  }
  return best;
}

/**
 * Greedy continuation, recomputing the whole sequence for each token. No token ends it.
 *
 * @param banned ids that are never chosen
 * @returns ids [steps]; logits [steps, V], unmasked; row i chose ids[i]
 */
export function greedy(
  prompt: Prompt,
  steps: number,
  config: TextConfig,
  weights: Weights,
  inhibition?: Inhibition,
  banned: readonly number[] = [],
): { ids: number[]; logits: Float64Array } {
  const vocabulary = config.vocab_size;
  const ids: number[] = [];
  const logits = new Float64Array(steps * vocabulary);
  let sequence = prompt;
  for (let step = 0; step < steps; step++) {
    const row = decode(sequence, config, weights, inhibition).logits.slice(-vocabulary);
    logits.set(row, step * vocabulary);
    const best = argmax(row, banned);
    ids.push(best);
    sequence = extendPrompt(sequence, [best], config, weights);
  }
  return { ids, logits };
}
