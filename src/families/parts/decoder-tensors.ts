/** Names and shapes of a decoder's tensors, in the layout that Llama set and most others follow. */
import type { DecoderSpec } from "../../spec/model-spec.ts";
import { linear, stack, type TensorSpec, vector } from "../../spec/tensor-spec.ts";

/** Names of a decoder in the layouts of a family. */
export interface DecoderNames {
  /** Before every name but the head's. */
  prefixes: readonly string[];
  /** Whole names of the head's matrix. */
  head: readonly string[];
}

/** A decoder on its own: with the level that the task's class adds, and without it. */
export const ALONE: DecoderNames = { prefixes: ["model.", ""], head: ["lm_head.weight"] };

/**
 * The tensors of a decoder.
 *
 * @param head "own" has a matrix of its own, "tied" uses the embeddings, "optional" its own where the file has one
 */
export function decoderTensors(
  { width, vocabularySize, layers }: DecoderSpec,
  { prefixes, head: headNames }: DecoderNames,
  head: "own" | "tied" | "optional",
): TensorSpec[] {
  const embed = stack("decoder.embed", "embedding", prefixes, [["embed_tokens.weight", [vocabularySize, width]]]);
  // Some files of tied models store the matrix only under the head's name.
  const parts = embed.parts.map((part) => (head === "tied" ? { ...part, fallback: headNames } : part));
  const tensors: TensorSpec[] = [{ ...embed, parts }];
  for (const [layer, { attention, mlp }] of layers.entries()) {
    const { heads, keyHeads, headWidth, qkvBias } = attention;
    const name = `decoder.layers.${layer}`;
    const inLayer = prefixes.map((prefix) => `${prefix}layers.${layer}.`);
    const qkv = [
      ["self_attn.q_proj", heads * headWidth],
      ["self_attn.k_proj", keyHeads * headWidth],
      ["self_attn.v_proj", keyHeads * headWidth],
    ] as const;
    const gateUp = [
      ["mlp.gate_proj", mlp.width],
      ["mlp.up_proj", mlp.width],
    ] as const;
    tensors.push(
      vector(`${name}.norm1.weight`, inLayer, "input_layernorm.weight", width),
      ...linear(`${name}.qkv`, inLayer, qkv, { cols: width, bias: qkvBias }),
      ...linear(`${name}.out`, inLayer, [["self_attn.o_proj", width]], { cols: heads * headWidth, bias: false }),
      vector(`${name}.norm2.weight`, inLayer, "post_attention_layernorm.weight", width),
      ...linear(`${name}.gateUp`, inLayer, gateUp, { cols: width, bias: false }),
      ...linear(`${name}.down`, inLayer, [["mlp.down_proj", width]], { cols: mlp.width, bias: false }),
    );
  }
  tensors.push(vector("decoder.norm.weight", prefixes, "norm.weight", width));
  const own = stack("decoder.head", "head", headNames, [["", [vocabularySize, width]]]);
  if (head === "own") tensors.push(own);
  else tensors.push({ ...own, parts: head === "tied" ? [] : own.parts, instead: "decoder.embed" });
  return tensors;
}

/** Tables that are computed here, and were stored by older versions of transformers. */
const COMPUTED = /(^|\.)(inv_freq|position_ids)$/;

/** True for a tensor that a file may hold in any family. */
export function isComputed(tensor: string): boolean {
  return COMPUTED.test(tensor);
}
