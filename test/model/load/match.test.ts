/** Matching the tensors of checkpoints: every layout of names, mixed layouts, and tensors that are not wanted. */
import { describe, expect, it } from "vitest";
import { type MatchedPart, matchTensors } from "../../../src/model/load/match.ts";
import { headOrder, stack, type TensorSpec, withParts } from "../../../src/spec/tensor-spec.ts";
import originalLlava from "../../families/llava/llava-v1.5-7b/config.json" with { type: "json" };
import originalTensors from "../../families/llava/llava-v1.5-7b/tensors.json" with { type: "json" };
import { describeModel } from "../../support/describe-model.ts";
import {
  LLAVA_LAYOUTS,
  smallDecoderTensors,
  smallLlava,
  smallLlavaTensors,
  smallSiglipLlava,
  smallSiglipLlavaTensors,
} from "../../support/small-models.ts";
import { entriesOf, type NamedShape, tensorsOf, unfilled } from "../../support/tensor-list.ts";

const specOf = (config: object) => describeModel({ "config.json": config });
const clip = specOf(smallLlava);
const tied = specOf({ ...smallLlava, tie_word_embeddings: true });
const siglip = specOf(smallSiglipLlava);
const shapes = tensorsOf(smallLlavaTensors);

function renamed(tensors: readonly NamedShape[], rename: (name: string) => string): NamedShape[] {
  return tensors.map(([name, shape]) => [rename(name), shape]);
}

describe("layouts", () => {
  const hub = matchTensors(clip, entriesOf(shapes));

  it("the hub's fills every tensor", () => {
    expect(unfilled(hub)).toEqual([]);
    expect(hub.tensors).toEqual(clip.tensors);
    expect(hub.aliases.size).toBe(0);
  });

  it.each(Object.entries(LLAVA_LAYOUTS))("%s, also without the vision_model level", (_, rename) => {
    for (const flat of [false, true]) {
      const nameOf = (name: string) => rename(flat ? name.replace("vision_model.", "") : name);
      const matched = matchTensors(clip, entriesOf(renamed(shapes, nameOf)));
      expect(matched.parts.map(({ tensor, entry, to }) => [tensor.name, entry.name, to])).toEqual(
        hub.parts.map(({ tensor, entry, to }) => [tensor.name, nameOf(entry.name), to]),
      );
    }
  });

  it("of the original code, as the shapes decide alone", () => {
    const config = { ...originalLlava, num_hidden_layers: 1 };
    const oneLayer = tensorsOf(originalTensors).filter(([name]) => !/^model\.layers\.([1-9]|\d\d)\./.test(name));
    expect(unfilled(matchTensors(specOf(config), entriesOf(oneLayer)))).toEqual([]);
  });

  it("mixed in one checkpoint, part by part", () => {
    const v5 = LLAVA_LAYOUTS["transformers v5"]!;
    const mixed = renamed(shapes, (name) => (name.startsWith("vision_tower") ? name : v5(name)));
    expect(matchTensors(clip, entriesOf(mixed)).parts).toHaveLength(hub.parts.length);
  });

  it("puts fused parts in the order of their rows", () => {
    const partsOf = (name: string) => hub.parts.filter(({ tensor }) => tensor.name === name);
    const places = (parts: MatchedPart[]) => parts.map(({ entry, to }) => [entry.name.split(".").at(-2), to]);
    const qkv = partsOf("decoder.layers.1.qkv.weight");
    expect(qkv[0]!.tensor.shape).toEqual([32, 16]);
    expect(places(qkv)).toEqual([
      ["q_proj", 0],
      ["k_proj", 16],
      ["v_proj", 24],
    ]);
    expect(places(partsOf("encoder.blocks.1.qkv.bias"))).toEqual([
      ["q_proj", 0],
      ["k_proj", 8],
      ["v_proj", 16],
    ]);
    expect(places(partsOf("decoder.layers.0.gateUp.weight"))).toEqual([
      ["gate_proj", 0],
      ["up_proj", 24],
    ]);
    expect(partsOf("encoder.patch.weight")[0]!.tensor.shape).toEqual([8, 48]);
  });

  it("of a decoder without the task's level", () => {
    const llama = specOf({ ...smallLlava.text_config, tie_word_embeddings: true });
    expect(unfilled(matchTensors(llama, entriesOf(tensorsOf(smallDecoderTensors))))).toEqual([]);
  });

  it("of a ViT without the task's level, with and without a batch dimension", () => {
    const vit = specOf({ ...smallLlava.vision_config, model_type: "vit", architectures: ["ViTModel"] });
    const bare = new Map(
      vit.tensors.flatMap(({ parts }) => parts.map(({ names, shape }): NamedShape => [names[1]!, shape])),
    );
    expect([...bare.keys()]).toContain("encoder.layer.2.attention.output.dense.weight");
    bare.set("pooler.dense.weight", [8, 8]).set("pooler.dense.bias", [8]);
    bare.set("embeddings.position_embeddings", [1, 10, 8]).set("embeddings.cls_token", [1, 1, 8]);
    bare.set("embeddings.mask_token", [1, 1, 8]);
    expect(unfilled(matchTensors(vit, entriesOf(bare)))).toEqual([]);
    bare.set("lm_head.weight", [30, 8]);
    expect(() => matchTensors(vit, entriesOf(bare))).toThrow(/unknown: "lm_head\.weight"/);
  });
});

describe("known but not wanted", () => {
  const wanted = matchTensors(clip, entriesOf(shapes)).parts.length;
  const without = (gone: (name: string) => boolean) => shapes.filter(([name]) => !gone(name));

  it("blocks after the last that is run, and the norm after them, are not loaded, there or not", () => {
    const names = clip.tensors.map(({ name }) => name);
    expect(names.some((name) => name.startsWith("encoder.blocks.1."))).toBe(true);
    expect(names.some((name) => name.startsWith("encoder.blocks.2."))).toBe(false);
    expect(shapes.filter(([name]) => name.includes("encoder.layers.2."))).toHaveLength(16);
    const gone = without((name) => /encoder\.layers\.2\.|post_layernorm\.weight$/.test(name));
    expect(gone).toHaveLength(shapes.length - 17);
    expect(matchTensors(clip, entriesOf(gone)).parts).toHaveLength(wanted);
  });

  it.each([
    "language_model.model.layers.0.self_attn.rotary_emb.inv_freq",
    "model.rotary_emb.inv_freq",
    "vision_tower.vision_model.embeddings.position_ids",
    "model.image_newline",
    "image_newline",
  ])("%s", (name) => {
    expect(matchTensors(clip, entriesOf([...shapes, [name, [3]]])).parts).toHaveLength(wanted);
  });

  it("a type that is not read, where the tensor is not wanted either", () => {
    const name = "vision_tower.vision_model.embeddings.position_ids";
    const entries = entriesOf([...shapes, [name, [1, 10]]]);
    entries.set(name, { ...entries.get(name)!, encoding: { id: "I64", dtype: "I64" } });
    expect(matchTensors(clip, entries).parts).toHaveLength(wanted);
  });

  it("the head of a tied model, stored all the same", () => {
    expect(matchTensors(tied, entriesOf(shapes)).parts).toHaveLength(wanted - 1);
    const headless = without((name) => name === "language_model.lm_head.weight");
    expect(matchTensors(tied, entriesOf(headless)).parts).toHaveLength(wanted - 1);
  });

  it("the head of a tied model, stored in place of the embeddings", () => {
    const inPlace = without((name) => name.endsWith("embed_tokens.weight"));
    expect(inPlace).toHaveLength(shapes.length - 1);
    const matched = matchTensors(tied, entriesOf(inPlace));
    expect(unfilled(matched)).toEqual([]);
    const embed = matched.parts.find(({ tensor }) => tensor.name === "decoder.embed")!;
    expect(embed.entry.name).toBe("language_model.lm_head.weight");
    expect(matched.aliases.get("decoder.head")).toBe("decoder.embed");
    // A model with a head of its own lacks embeddings then, and a tied one cannot do without both.
    const neither = inPlace.filter(([name]) => !name.endsWith("lm_head.weight"));
    expect(() => matchTensors(clip, entriesOf(inPlace))).toThrow(/missing: "language_model\.model\.embed_tokens/);
    expect(() => matchTensors(tied, entriesOf(neither))).toThrow(/missing: "language_model\.model\.embed_tokens/);
  });

  it("SigLIP's pooling head", () => {
    const names = [
      "probe",
      "attention.in_proj_weight",
      "attention.out_proj.bias",
      "layernorm.weight",
      "mlp.fc1.weight",
    ];
    const tensors = renamed(tensorsOf(smallSiglipLlavaTensors), LLAVA_LAYOUTS["transformers v5"]!);
    const count = matchTensors(siglip, entriesOf(tensors)).parts.length;
    const heads = names.map((name): NamedShape => [`model.vision_tower.vision_model.head.${name}`, [8]]);
    expect(matchTensors(siglip, entriesOf([...tensors, ...heads])).parts).toHaveLength(count);
  });
});

describe("a tensor that another stands in for", () => {
  const embed = stack("embed", "embedding", [""], [["embed.weight", [4, 2]]]);
  const head: TensorSpec = { ...stack("head", "head", [""], [["head.weight", [4, 2]]]), instead: "embed" };
  const model = { family: "test", tensors: [embed, head], ignores: () => false };

  it("is matched where the file has it, and an alias where not", () => {
    const own = matchTensors(
      model,
      entriesOf([
        ["embed.weight", [4, 2]],
        ["head.weight", [4, 2]],
      ]),
    );
    expect([own.tensors, own.aliases.size]).toEqual([[embed, head], 0]);
    const shared = matchTensors(model, entriesOf([["embed.weight", [4, 2]]]));
    expect(shared.tensors).toEqual([embed]);
    expect(shared.parts.map(({ tensor }) => tensor.name)).toEqual(["embed"]);
    expect([...shared.aliases]).toEqual([["head", "embed"]]);
  });

  it("is missing where a file has only some of its parts", () => {
    const fused: TensorSpec = {
      ...stack(
        "head",
        "head",
        [""],
        [
          ["a.weight", [2, 2]],
          ["b.weight", [2, 2]],
        ],
      ),
      instead: "embed",
    };
    const half = entriesOf([
      ["embed.weight", [4, 2]],
      ["b.weight", [2, 2]],
    ]);
    expect(() => matchTensors({ ...model, tensors: [embed, fused] }, half)).toThrow(/missing: "a\.weight"/);
  });
});

describe("parts of a file's tensor", () => {
  const entries = entriesOf([["fused.weight", [12, 5]]]);
  const fused = stack("a", "linear", ["fused."], [["weight", [4, 5]]]);
  const specOfPart = (change: object) => ({
    family: "test",
    tensors: withParts([fused], () => change),
    ignores: () => false,
  });

  it("are rows from the first on", () => {
    const [part] = matchTensors(specOfPart({ slice: { first: 4, of: 12 } }), entries).parts;
    const whole = entries.get("fused.weight")!;
    const rowBytes = (whole.planes[0]!.end - whole.planes[0]!.start) / 12;
    expect(part!.entry).toMatchObject({ shape: [4, 5], whole });
    expect(part!.entry.planes[0]).toMatchObject({ start: 4 * rowBytes, end: 8 * rowBytes, rowBytes });
  });

  it("have the shape of the whole tensor in the file", () => {
    expect(() => matchTensors(specOfPart({ slice: { first: 4, of: 8 } }), entries)).toThrow("fused.weight");
  });

  it("stand head by head", () => {
    // Two heads of one row: q0 k0 v0 q1 k1 v1.
    expect(headOrder(6, 2)).toEqual([0, 2, 4, 1, 3, 5]);
    const order = headOrder(12, 2);
    const whole = stack("a", "linear", ["fused."], [["weight", [12, 5]]]);
    const spec = { family: "test", tensors: withParts([whole], () => ({ order })), ignores: () => false };
    expect(matchTensors(spec, entries).parts[0]!.entry.rowOrder).toEqual({ order });
  });
});
