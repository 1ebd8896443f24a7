/** Names and shapes of Idefics3's and SmolVLM's tensors, and where a head may be missing. */
import { describe, expect, it } from "vitest";
import { matchTensors } from "../../src/model/load/match.ts";
import { describeModel } from "../support/describe-model.ts";
import { having, refusalOf } from "../support/descriptions.ts";
import { smallTiledTensors as inner, smallTiled } from "../support/small-models.ts";
import { entriesOf, type TensorList, tensorsOf, unfilled } from "../support/tensor-list.ts";

describe("tensors", () => {
  const head: TensorList = { "lm_head.weight": [30, 16] };
  const match = (list: TensorList, changes: Record<string, unknown> = {}) =>
    matchTensors(describeModel({ "config.json": having(smallTiled, changes) }), entriesOf(tensorsOf(list)));
  /** The tensor that makes logits. */
  const headOf = ({ aliases }: ReturnType<typeof match>) => aliases.get("decoder.head") ?? "decoder.head";

  it.each([
    ["with the level of the task's class", { "model.": inner, ...head }],
    ["without it", { ...inner, ...head }],
  ])("%s", (_, list) => {
    const matched = match(list);
    expect(unfilled(matched)).toEqual([]);
    expect(matched.parts).toHaveLength(tensorsOf(list).length);
    expect(headOf(matched)).toBe("decoder.head");
  });

  it("without a head the embeddings stand in for it", () => {
    const matched = match({ "model.": inner });
    expect(unfilled(matched)).toEqual([]);
    expect(headOf(matched)).toBe("decoder.embed");
  });

  it.each(["tie_word_embeddings", "text_config.tie_word_embeddings"])("%s leaves out a head, stored or not", (flag) => {
    for (const list of [{ "model.": inner }, { "model.": inner, ...head }]) {
      const matched = match(list, { [flag]: true });
      expect(headOf(matched)).toBe("decoder.embed");
      expect(matched.parts).toHaveLength(tensorsOf({ "model.": inner }).length);
    }
  });

  it.each([
    [
      "a head of another vocabulary",
      { "model.": inner, "lm_head.weight": [32, 16] },
      /lm_head\.weight" .* is \[32, 16\]/,
    ],
    [
      "a bias of the connector",
      { "model.": { ...inner, "connector.modality_projection.proj.bias": [16] }, ...head },
      /unknown: .*proj\.bias"/,
    ],
    [
      "a resampler",
      { "model.": { ...inner, "connector.perceiver_resampler.latents": [64, 16] }, ...head },
      /unknown: .*latents"/,
    ],
    ["no norm after the encoder", { "model.": { ...inner, "vision_model.": {} }, ...head }, /missing: /],
    [
      "a class token",
      { "model.": { ...inner, "vision_model.embeddings.class_embedding": [8] }, ...head },
      /unknown: .*class_embedding"/,
    ],
  ] as [string, TensorList, RegExp][])("refuses %s", (_, list, message) => {
    expect(refusalOf(() => match(list), "bad-weights")).toMatch(message);
  });

  it("leaves the encoder's pooling head and computed tables where they are", () => {
    const beside: TensorList = {
      "model.vision_model.head.probe": [1, 1, 8],
      "model.vision_model.embeddings.position_ids": [64],
      "model.text_model.rotary_emb.inv_freq": [2],
    };
    expect(match({ "model.": inner, ...head, ...beside }).parts).toHaveLength(tensorsOf(inner).length + 1);
  });
});
