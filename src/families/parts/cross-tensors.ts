/** Names and shapes of the tensors of gated cross-attention, as IDEFICS has them. Source: transformers, `modeling_idefics.py`. */
import type { CrossSpec } from "../../spec/cross-spec.ts";
import { linear, type TensorSpec, vector } from "../../spec/tensor-spec.ts";

/**
 * The tensors of a layer's first half but its norm.
 *
 * @param name canonical, of the layer
 * @param below what stands before the names in a file
 * @param width of the decoder
 * @param beside width of the pictures' rows
 */
export function crossTensors(
  name: string,
  below: readonly string[],
  { heads, headWidth, qkNorm }: CrossSpec,
  { width, beside }: { width: number; beside: number },
): TensorSpec[] {
  const inside = below.map((prefix) => `${prefix}cross_attn.`);
  const own = heads * headWidth;
  const product = (slot: string, source: string, rows: number, cols: number) =>
    linear(`${name}.${slot}`, inside, [[source, rows]], { cols, bias: false });
  const norm = (slot: string, source: string) =>
    vector(`${name}.${slot}.weight`, inside, `${source}.weight`, headWidth);
  return [
    ...product("query", "q_proj", own, width),
    ...product("key", "k_proj", own, beside),
    ...product("value", "v_proj", own, beside),
    ...(qkNorm ? [norm("qNorm", "q_layer_norm"), norm("kNorm", "k_layer_norm")] : []),
    ...product("out", "o_proj", width, own),
  ];
}

/** The gates of a layer's halves. @param size 1, or one number a channel */
export function gateTensors(name: string, below: readonly string[], size: number): TensorSpec[] {
  return [
    vector(`${name}.gate1`, below, "alpha_cross_attn", size),
    vector(`${name}.gate2`, below, "alpha_dense", size),
  ];
}
