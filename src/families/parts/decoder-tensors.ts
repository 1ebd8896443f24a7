/** Names and shapes of a decoder's tensors, in Llama's layout, which most others follow. */
import type { AttentionSpec, DecoderSpec, LayerSpec } from "../../spec/model-spec.ts";
import {
  headOrder,
  layerNorm,
  linear,
  type Source,
  stack,
  type TensorSpec,
  vector,
  withParts,
} from "../../spec/tensor-spec.ts";
import { crossTensors, gateTensors } from "./cross-tensors.ts";
import { deltaTensors } from "./delta-tensors.ts";

/** Names of a layer's tensors below the layer, without ".weight" and ".bias". */
export interface LayerNames {
  /** Norms before and after each half, if the layer has them. */
  norm1: string;
  norm1After: string;
  norm2: string;
  norm2After: string;
  /** Three matrices, or one of all their rows. */
  qkv: readonly string[];
  qNorm: string;
  kNorm: string;
  out: string;
  /** Gate and up, or one matrix of all their rows; up alone for an MLP without a gate. */
  gateUp: readonly string[];
  down: string;
  /** Below the decoder: the prefix of a layer's number, and the table of tokens. */
  layers: string;
  /** The same of layers of cross-attention, which are counted by themselves. */
  crossLayers: string;
  embed: string;
  /** Below the decoder: the norm after the last layer, and the table of learned positions, if any. */
  lastNorm: string;
  positions: string;
}

const LLAMA_NAMES: LayerNames = {
  norm1: "input_layernorm",
  norm1After: "post_attention_layernorm",
  norm2: "post_attention_layernorm",
  norm2After: "post_feedforward_layernorm",
  qkv: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
  qNorm: "self_attn.q_norm",
  kNorm: "self_attn.k_norm",
  out: "self_attn.o_proj",
  gateUp: ["mlp.gate_proj", "mlp.up_proj"],
  down: "mlp.down_proj",
  layers: "layers",
  crossLayers: "cross_layers",
  embed: "embed_tokens",
  lastNorm: "norm",
  positions: "embed_positions",
};

/** Names of a decoder in the layouts of a family. */
export interface DecoderNames {
  /** Prefixes of all names except the head's. */
  prefixes: readonly string[];
  /** Whole names of the head's matrix. */
  head: readonly string[];
}

/** A decoder on its own: with the level that the task's class adds, and without it. */
export const ALONE: DecoderNames = { prefixes: ["model.", ""], head: ["lm_head.weight"] };

/** The differences of a decoder's files from Llama's. */
export interface DecoderFiles {
  names?: Partial<LayerNames>;
  /** The matrix of queries, keys and values groups its rows by head. */
  interleavedHeads?: true;
  /** Stored norms are differences from this; default 0. */
  normOffset?: number;
  /** The last rows of the vocabulary are matrices of their own, named without ".weight": below the decoder, and wholly. */
  additional?: { rows: number; embed: string; head: string };
}

/**
 * The tensors of a decoder.
 *
 * @param head "own" has a matrix of its own, "tied" uses the embeddings unless the file has another one, "optional" has
 *   its own if the file has one
 */
export function decoderTensors(
  spec: DecoderSpec,
  { prefixes, head: headNames }: DecoderNames,
  head: "own" | "tied" | "optional",
  { names, normOffset = 0, interleavedHeads, additional }: DecoderFiles = {},
): TensorSpec[] {
  const { width, vocabularySize } = spec;
  const own = { ...LLAMA_NAMES, ...names };
  const rows = vocabularySize - (additional?.rows ?? 0);
  const vocabulary = (name: string, more: string): Source[] => [
    [name, [rows, width]],
    ...(additional ? [[`${more}.weight`, [additional.rows, width]] as const] : []),
  ];
  const embed = stack(
    "decoder.embed",
    "embedding",
    prefixes,
    vocabulary(`${own.embed}.weight`, additional?.embed ?? ""),
  );
  // Some files of tied models store the matrix only under the head's name.
  const fallbacks = [headNames, [`${additional?.head}.weight`]];
  const parts = embed.parts.map((part, i) => (head === "tied" ? { ...part, fallback: fallbacks[i]! } : part));
  const tensors: TensorSpec[] = [{ ...embed, parts }];
  /** A norm of the decoder, of RMS or of a layer. */
  const norm: MakeNorm = (name, below, source, size = width, isLayerNorm = !!spec.layerNorms) => {
    const made = isLayerNorm
      ? layerNorm
      : (...[to, where, from, of]: Parameters<typeof layerNorm>) => [
          vector(`${to}.weight`, where, `${from}.weight`, of),
        ];
    const stored = made(name, below, source, size);
    if (normOffset === 0) return stored;
    return stored.map((tensor) => ({ ...tensor, parts: tensor.parts.map((part) => ({ ...part, add: normOffset })) }));
  };
  if (spec.learnedPositions) {
    const shape = [spec.maxPositions + spec.learnedPositions.first, width];
    tensors.push(stack("decoder.positions", "table", prefixes, [[`${own.positions}.weight`, shape]]));
  }
  const inLayer = { width, beside: spec.beside?.width ?? 0, names: own, norm, interleavedHeads };
  const counts = { [own.layers]: 0, [own.crossLayers]: 0 };
  for (const [layer, layerSpec] of spec.layers.entries()) {
    const list = layerSpec.cross ? own.crossLayers : own.layers;
    const below = prefixes.map((prefix) => `${prefix}${list}.${counts[list]}.`);
    counts[list]!++;
    tensors.push(...layerTensors(`decoder.layers.${layer}`, below, layerSpec, inLayer));
  }
  tensors.push(...norm("decoder.norm", prefixes, own.lastNorm));
  const matrix = headMatrix(headNames, vocabulary("", additional?.head ?? ""));
  if (head === "own") tensors.push(matrix);
  else {
    const parts = head === "tied" ? { parts: [], ifDifferent: matrix.parts } : {};
    tensors.push({ ...matrix, ...parts, instead: "decoder.embed" });
  }
  const biasNames = headNames.map((name) => name.replace(/weight$/, "bias"));
  if (spec.headBias) tensors.push(vector("decoder.head.bias", biasNames, "", vocabularySize));
  return tensors;
}

type MakeNorm = (
  name: string,
  below: readonly string[],
  source: string,
  size?: number,
  isLayerNorm?: boolean,
) => TensorSpec[];

/** @param sources the matrix under the head's whole names, and that of additional rows under its own */
function headMatrix(names: readonly string[], [own, more]: readonly Source[]): TensorSpec {
  const matrix = stack("decoder.head", "head", names, [own!]);
  if (!more) return matrix;
  const both = stack("decoder.head", "head", [""], [["", own![1]], more]);
  return { ...both, parts: [matrix.parts[0]!, both.parts[1]!] };
}

interface InLayer {
  width: number;
  /** Width of rows beside the prompt. */
  beside: number;
  names: LayerNames;
  norm: MakeNorm;
  interleavedHeads: true | undefined;
}

function layerTensors(name: string, below: readonly string[], layer: LayerSpec, inLayer: InLayer) {
  const { width, names, norm } = inLayer;
  const { mlp, norms = "before", attention, delta, cross, gates } = layer;
  const { bias = false, gated = true } = mlp;
  const hasAfter = norms === "after" || norms === "both";
  const upRows = (gated ? 2 : 1) * mlp.width;
  const up = names.gateUp.map((source) => [source, upRows / names.gateUp.length] as const);
  return [
    ...(norms === "after" ? [] : norm(`${name}.norm1`, below, names.norm1)),
    ...(attention
      ? attentionTensors(name, below, attention, inLayer)
      : delta
        ? deltaTensors(name, below, delta, width)
        : cross
          ? crossTensors(name, below, cross, inLayer)
          : convolutionTensors(name, below, layer.convolution.taps, width)),
    ...(gates ? gateTensors(name, below, gates === "one" ? 1 : width) : []),
    ...(hasAfter ? norm(`${name}.norm1After`, below, names.norm1After) : []),
    ...(norms === "before" || norms === "both" ? norm(`${name}.norm2`, below, names.norm2) : []),
    ...linear(`${name}.${gated ? "gateUp" : "up"}`, below, up, { cols: width, bias }),
    ...linear(`${name}.down`, below, [[names.down, width]], { cols: mlp.width, bias }),
    ...(hasAfter ? norm(`${name}.norm2After`, below, names.norm2After) : []),
  ];
}

function attentionTensors(
  name: string,
  below: readonly string[],
  { heads, keyHeads, headWidth, qkvBias, outBias, qkNorm, qkLayerNorms, outputGate }: AttentionSpec,
  { width, names, norm, interleavedHeads }: InLayer,
): TensorSpec[] {
  const [queries, keys] = [heads * headWidth, keyHeads * headWidth];
  const queryRows = (outputGate ? 2 : 1) * queries;
  const rows = names.qkv.length === 1 ? [queryRows + 2 * keys] : [queryRows, keys, keys];
  const qkv = names.qkv.map((source, i) => [source, rows[i]!] as const);
  const [queryNorm, keyNorm] = qkNorm === "all" ? [queries, keys] : [headWidth, headWidth];
  const packed = linear(`${name}.qkv`, below, qkv, { cols: width, bias: qkvBias });
  return [
    ...(interleavedHeads ? withParts(packed, () => ({ order: headOrder(queryRows + 2 * keys, heads) })) : packed),
    ...(qkNorm
      ? [
          ...norm(`${name}.qNorm`, below, names.qNorm, queryNorm, !!qkLayerNorms),
          ...norm(`${name}.kNorm`, below, names.kNorm, keyNorm, !!qkLayerNorms),
        ]
      : []),
    ...linear(`${name}.out`, below, [[names.out, width]], { cols: queries, bias: !!outBias }),
  ];
}

function convolutionTensors(name: string, below: readonly string[], taps: number, width: number): TensorSpec[] {
  return [
    ...linear(`${name}.in`, below, [["conv.in_proj", 3 * width]], { cols: width, bias: false }),
    stack(`${name}.conv.weight`, "vector", below, [["conv.conv.weight", [width, 1, taps]]]),
    ...linear(`${name}.out`, below, [["conv.out_proj", width]], { cols: width, bias: false }),
  ];
}

/** Computed tables, which older versions of transformers stored. */
const COMPUTED = /(^|\.)(inv_freq|position_ids)$/;

/** True for a tensor that a file may hold in any family. */
export function isComputed(tensor: string): boolean {
  return COMPUTED.test(tensor);
}
