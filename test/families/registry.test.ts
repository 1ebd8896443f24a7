/** The way from a model's small files to its family, and files that no family reads. */
import { describe, expect, it } from "vitest";
import {
  describeModel as describeAsync,
  descriptionsOf,
  familyNames,
  firstFamily,
  loadFamilies,
} from "../../src/families/registry.ts";
import { UNSUPPORTED_TYPES } from "../../src/families/unsupported-types.ts";
import { describeModel } from "../support/describe-model.ts";
import { configRefusal, having, refusalOf } from "../support/descriptions.ts";
import idefics3 from "./idefics3/SmolVLM-256M-Instruct/config.json" with { type: "json" };
import llava7b from "./llava/llava-1.5-7b-hf/config.json" with { type: "json" };
import qwen2 from "./qwen2/Qwen2-0.5B-Instruct/config.json" with { type: "json" };

/** Arrays within arrays, as deep as a parser lets through. */
const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;

describe("refused, with the field and what is supported", () => {
  it.each<[string, object, Record<string, unknown>, RegExp]>([
    [
      "no model type",
      llava7b,
      { model_type: undefined },
      /model_type is missing; supported: nanollava, shikra, llava, .*, llama, qwen2, .*, vit$/,
    ],
    ["a model type of another kind", llava7b, { model_type: ["llava"] }, /model_type is a list of 1;/],
    ["a model type of no family", llava7b, { model_type: "llava_future" }, /model_type is "llava_future"/],
    ["a family of an earlier name", idefics3, { model_type: "idefics2" }, /model_type is "idefics2"/],
    ["a name of Object.prototype", llava7b, { model_type: "constructor" }, /model_type is "constructor"/],
    ["a deep model type", llava7b, { model_type: deep }, /model_type is a list of 1;/],
    [
      "a text_config that is a string",
      llava7b,
      { text_config: "llama" },
      /text_config is "llama"; supported: an object/,
    ],
    ["a vision_config that is a list", llava7b, { vision_config: [] }, /vision_config is a list of 0;/],
    ["a deep value", llava7b, { vision_config: deep }, /vision_config is a list of 1;/],
  ])("%s", (_, json, changes, message) => {
    expect(configRefusal(having(json, changes))).toMatch(message);
  });

  it.each([null, 5, "llava", [], [{ model_type: "llava" }]])("a config that is %j", (json) => {
    expect(configRefusal(json)).toMatch(/^config\.json is .*; expected an object$/);
  });

  it.each(["preprocessor_config.json", "processor_config.json"] as const)("a %s that is no object", (name) => {
    for (const json of [null, [], "text", 3, true])
      expect(refusalOf(() => describeModel({ "config.json": llava7b, [name]: json }))).toContain(`${name} is `);
  });

  it("a folder without a config", () => {
    expect(configRefusal(undefined)).toContain("no config.json");
  });

  it("cuts long values and names", () => {
    const names = familyNames().join(", ").length;
    expect(configRefusal({ model_type: "x".repeat(1e6) }).length).toBeLessThan(150 + names);
    const id2label = { ["9".repeat(1e6)]: 5 };
    expect(configRefusal({ model_type: "vit", id2label }).length).toBeLessThan(300);
  });
});

describe("refused by name, in one sentence that says what is missing", () => {
  it.each<[string, RegExp]>([
    ["minicpmv", /MiniCPM-V needs a resampler/],
    ["moondream1", /Moondream needs crops that overlap/],
    ["florence2", /Florence-2 needs .* cross-attention/],
    ["phi3_v", /Phi-3.5-vision needs tiles with learned separators/],
    ["deepseek_vl_v2", /DeepSeek-VL2 needs mixtures of experts and compressed keys/],
    ["molmo", /Molmo needs crops that overlap, and attention/],
    ["kimi_vl", /Kimi-VL needs mixtures of experts/],
    ["glm4v", /GLM-4.1V needs GLM's decoder/],
    ["chatglm", /GLM-4V, .* needs GLM's decoder/],
    ["gemma3n", /Gemma 3n needs embeddings for each layer/],
    ["mllama", /Llama 3.2 Vision needs decoder layers with cross-attention/],
    ["internvl_chat", /the repository whose name ends in "-hf"/],
    ["gpt_oss", /gpt-oss needs mixtures of experts and attention sinks/],
    ["qwen3_vl_moe", /Qwen3-VL with experts needs mixtures of experts/],
    ["mixtral", /Mixtral needs mixtures of experts/],
    ["bert", /BERT needs an encoder of text that sees in both directions/],
    ["whisper", /Whisper needs an audio encoder/],
  ])("%s", (type, sentence) => {
    const message = configRefusal({ model_type: type });
    expect(message).toMatch(sentence);
    const [first] = message.split(";");
    expect(first).toMatch(/^config\.json: model_type is "\w+": .*, which this engine does not have$/);
  });

  it("lists no type that a family reads", async () => {
    const families = await loadFamilies();
    for (const type of UNSUPPORTED_TYPES) {
      const files = descriptionsOf({ "config.json": { model_type: type } });
      expect(families.filter((family) => family.matches(files)).map(({ name }) => name)).toEqual([]);
      expect(configRefusal({ model_type: type })).toContain("which this engine does not have; supported: ");
    }
  });

  it("says the same where families are loaded one by one", async () => {
    const refused = describeAsync({ "config.json": { model_type: "gpt_oss" } });
    await expect(refused).rejects.toThrow(/is "gpt_oss": gpt-oss needs .*; supported: nanollava, /);
  });
});

it("reads no field from a prototype", () => {
  const config = JSON.parse('{ "model_type": "llama", "__proto__": { "hidden_size": 64 } }') as object;
  expect(describeModel({ "config.json": config }).decoder!.width).toBe(4096);
  const inherited = Object.create({ model_type: "llama" }) as object;
  expect(configRefusal(inherited)).toContain("model_type is missing");
});

it("takes a field that is null for a missing one", () => {
  const config = having(qwen2, { quantization_config: null, hidden_act: null, rope_scaling: null });
  expect(describeModel({ "config.json": config }).decoder!.width).toBe(896);
});

it("loads the code of one family for each published model", async () => {
  const families = await loadFamilies();
  const configs = import.meta.glob<object>("./*/*/config.json", { eager: true, import: "default" });
  expect(Object.keys(configs).length).toBeGreaterThan(50);
  for (const [path, config] of Object.entries(configs)) {
    const files = descriptionsOf({ "config.json": config });
    expect(firstFamily(files), path).toBe(families.find((family) => family.matches(files))?.name);
  }
});

it("names each family once", () => {
  expect(familyNames()).toEqual([
    ...["nanollava", "shikra", "llava", "pixtral", "llava_next", "llava_onevision", "internvl"],
    ...["idefics", "idefics3", "smolvlm", "lfm2_vl"],
    ...["gemma3", "paligemma", "minigpt_v2", "fuyu", "mistral3"],
    ...["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5"],
    ...["blip-2", "instructblip", "qwen", "mplug_owl2"],
    ...["llama", "qwen2", "qwen3", "mistral", "phi3", "olmo2", "gemma2", "gemma3_text"],
    ...["smollm3", "granite", "stablelm", "phi", "lfm2", "qwen3_5_text", "clip", "siglip", "vit"],
  ]);
});
