/** Names and shapes of the tensors of a gated delta rule, as Qwen3.5 has them. Source: transformers, `modeling_qwen3_5.py`. */
import type { DeltaSpec } from "../../spec/model-spec.ts";
import { linear, stack, type TensorSpec, vector } from "../../spec/tensor-spec.ts";

/**
 * The tensors of one layer.
 *
 * @param name canonical name of the layer
 * @param below prefixes of the names in a file
 * @param width of the decoder
 */
export function deltaTensors(
  name: string,
  below: readonly string[],
  { keyHeads, valueHeads, keyWidth, valueWidth, taps }: DeltaSpec,
  width: number,
): TensorSpec[] {
  const values = valueHeads * valueWidth;
  const channels = 2 * keyHeads * keyWidth + values;
  const inside = below.map((prefix) => `${prefix}linear_attn.`);
  const into = [
    ["in_proj_qkv", channels],
    ["in_proj_z", values],
  ] as const;
  return [
    ...linear(`${name}.in`, inside, into, { cols: width, bias: false }),
    // Errors of the decay and write gates add up over all later rows: the two small matrices are never packed.
    stack(`${name}.gates.weight`, "table", inside, [
      ["in_proj_b.weight", [valueHeads, width]],
      ["in_proj_a.weight", [valueHeads, width]],
    ]),
    stack(`${name}.conv.weight`, "vector", inside, [["conv1d.weight", [channels, 1, taps]]]),
    vector(`${name}.rate`, inside, "A_log", valueHeads),
    vector(`${name}.rateBias`, inside, "dt_bias", valueHeads),
    // Stored as it is, even if the other norms are stored as differences.
    vector(`${name}.headNorm.weight`, inside, "norm.weight", valueWidth),
    ...linear(`${name}.out`, inside, [["out_proj", width]], { cols: values, bias: false }),
  ];
}
