/**
 * The list of families, and the step from a model's small files to its `ModelSpec`. A family's code is loaded on
 * demand: a page needs one of them, and all together are a quarter of the engine.
 */
import { FoveaError } from "../errors.ts";
import { loadCode } from "../late-part.ts";
import { isJsonObject } from "../shared/json.ts";
import type { DESCRIPTION_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { type Descriptions, type Family, hasModelType, isPixtral } from "./family.ts";
import { ConfigFields } from "./fields.ts";

/** A family that is not loaded yet. */
interface Entry {
  /** For messages. */
  name: string;
  /** True if a model may be of this family. `Family.matches` decides. */
  may(files: Descriptions): boolean;
  load(): Promise<Family>;
}

/** A family whose configs have one of these types; its name is the first. */
function typed(types: readonly [string, ...string[]], load: Entry["load"]): Entry {
  return { name: types[0], may: (files) => types.some((type) => hasModelType(files, type)), load };
}

/**
 * A family in the layout of the original LLaVA code, which was published under many types; without `types`, all of
 * them.
 */
function original(name: string, load: Entry["load"], types?: readonly string[]): Entry {
  const isTyped = (files: Descriptions) => !types || types.some((type) => hasModelType(files, type));
  return { name, may: (files) => files.config.has("mm_vision_tower") && isTyped(files), load };
}

/** The first that matches describes the model. */
const FAMILIES: readonly Entry[] = [
  original("nanollava", async () => (await import("./nanollava.ts")).nanollava, ["llava-qwen2", "bunny-qwen"]),
  typed(["shikra"], async () => (await import("./shikra.ts")).shikra),
  original("llava", async () => (await import("./original-llava.ts")).originalLlava),
  // Pixtral's configs have the type "llava" too; the type of their encoder distinguishes them.
  { name: "pixtral", may: isPixtral, load: async () => (await import("./mistral3.ts")).pixtral },
  typed(["llava"], async () => (await import("./llava.ts")).llava),
  typed(["llava_next"], async () => (await import("./llava-next.ts")).llavaNext),
  typed(["llava_onevision"], async () => (await import("./llava-onevision.ts")).llavaOnevision),
  typed(["internvl"], async () => (await import("./internvl.ts")).internvl),
  typed(["idefics"], async () => (await import("./idefics.ts")).idefics),
  typed(["idefics3"], async () => (await import("./idefics3.ts")).idefics3),
  typed(["smolvlm"], async () => (await import("./idefics3.ts")).smolvlm),
  typed(["lfm2_vl"], async () => (await import("./lfm2-vl.ts")).lfm2Vl),
  typed(["gemma3"], async () => (await import("./gemma3.ts")).gemma3),
  typed(["paligemma"], async () => (await import("./paligemma.ts")).paligemma),
  typed(["minigpt_v2"], async () => (await import("./minigpt-v2.ts")).minigptV2),
  typed(["fuyu"], async () => (await import("./fuyu.ts")).fuyu),
  typed(["mistral3"], async () => (await import("./mistral3.ts")).mistral3),
  typed(["qwen2_vl"], async () => (await import("./qwen2-vl.ts")).qwen2Vl),
  typed(["qwen2_5_vl"], async () => (await import("./qwen2-vl.ts")).qwen25Vl),
  typed(["qwen3_vl"], async () => (await import("./qwen3-vl.ts")).qwen3Vl),
  typed(["qwen3_5", "qwen3_5_moe"], async () => (await import("./qwen3-5.ts")).qwen35),
  typed(["blip-2"], async () => (await import("./blip-2.ts")).blip2),
  typed(["instructblip"], async () => (await import("./instructblip.ts")).instructblip),
  typed(["qwen"], async () => (await import("./qwen.ts")).qwen),
  typed(["mplug_owl2"], async () => (await import("./mplug-owl2.ts")).mplugOwl2),
  typed(["llama"], async () => (await import("./llama.ts")).llama),
  typed(["qwen2"], async () => (await import("./qwen2.ts")).qwen2),
  typed(["qwen3"], async () => (await import("./qwen3.ts")).qwen3),
  typed(["mistral", "ministral3"], async () => (await import("./mistral.ts")).mistral),
  typed(["phi3"], async () => (await import("./phi3.ts")).phi3),
  typed(["olmo2"], async () => (await import("./olmo2.ts")).olmo2),
  typed(["gemma2"], async () => (await import("./gemma.ts")).gemma2),
  typed(["gemma3_text"], async () => (await import("./gemma.ts")).gemma3Text),
  typed(["smollm3"], async () => (await import("./smollm3.ts")).smollm3),
  typed(["granite"], async () => (await import("./granite.ts")).granite),
  typed(["stablelm"], async () => (await import("./stablelm.ts")).stablelm),
  typed(["phi"], async () => (await import("./stablelm.ts")).phi),
  typed(["lfm2"], async () => (await import("./lfm2.ts")).lfm2),
  typed(["qwen3_5_text", "qwen3_5_moe_text", "qwen3_next"], async () => (await import("./qwen3-5.ts")).qwen35Text),
  typed(["clip", "clip_vision_model", "clip_text_model"], async () => (await import("./clip.ts")).clip),
  typed(["siglip", "siglip_vision_model", "siglip_text_model"], async () => (await import("./siglip.ts")).siglip),
  typed(["vit"], async () => (await import("./vit.ts")).vit),
];

/** Parsed JSON of the description files, by name; undefined for a missing file. */
export type DescriptionFiles = Partial<Record<(typeof DESCRIPTION_FILES)[number], unknown>>;

/** Names of the families, for messages. */
export function familyNames(): string[] {
  return [...new Set(FAMILIES.map(({ name }) => name))];
}

/** All families, in the order in which they are tried: for tests and tools. */
export function loadFamilies(): Promise<Family[]> {
  return Promise.all(FAMILIES.map(({ load }) => load()));
}

/** The family whose code is loaded first for a model, and alone if it matches: for tests. */
export function firstFamily(files: Descriptions): string | undefined {
  return FAMILIES.find(({ may }) => may(files))?.name;
}

/** The parsed files with their fields. Throws FoveaError `unsupported-model` without a config.json. */
export function descriptionsOf(files: DescriptionFiles): Descriptions {
  const fields = (name: keyof DescriptionFiles) => {
    const json = files[name];
    return json === undefined ? undefined : ConfigFields.of(json, name);
  };
  const config = fields("config.json");
  if (!config) throw new FoveaError("unsupported-model", "no config.json: is this the folder of a model?");
  return {
    config,
    preprocessor: fields("preprocessor_config.json"),
    processor: fields("processor_config.json"),
  };
}

/** The error for a model without a family, with the sentence of `missingPart` if there is one. */
export function unknownFamily({ config }: Descriptions, missing?: string): FoveaError {
  return config.unsupported("model_type", familyNames().join(", "), missing);
}

/** True if a family may describe a model with this config.json, or an excerpt of it. Loads no family, never throws. */
export function mayDescribe(config: unknown): boolean {
  if (!isJsonObject(config)) return false;
  const files = { config: ConfigFields.of(config, "config.json") };
  return FAMILIES.some(({ may }) => may(files));
}

/**
 * Describes a model by its small files.
 *
 * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported; `download-failed` if the
 *   family's code cannot be loaded
 */
export async function describeModel(files: DescriptionFiles): Promise<ModelSpec> {
  const descriptions = descriptionsOf(files);
  for (const { name, may, load } of FAMILIES) {
    if (!may(descriptions)) continue;
    const family = await loadCode(name, load);
    if (family.matches(descriptions)) return family.describe(descriptions);
  }
  // The error has no reason if the list of reasons cannot be loaded.
  const types = await import("./unsupported-types.ts").catch(() => undefined);
  throw unknownFamily(descriptions, types?.missingPart(descriptions.config.value("model_type")));
}
