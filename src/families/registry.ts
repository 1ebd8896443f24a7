/** The list of families, and the step from a model's small files to its `ModelSpec`. */
import { FoveaError } from "../errors.ts";
import type { DESCRIPTION_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { clip } from "./clip.ts";
import type { Descriptions, Family } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { gemma2, gemma3Text } from "./gemma.ts";
import { gemma3 } from "./gemma3.ts";
import { granite } from "./granite.ts";
import { idefics3, smolvlm } from "./idefics3.ts";
import { internvl } from "./internvl.ts";
import { lfm2 } from "./lfm2.ts";
import { lfm2Vl } from "./lfm2-vl.ts";
import { llama } from "./llama.ts";
import { llava } from "./llava.ts";
import { llavaNext } from "./llava-next.ts";
import { llavaOnevision } from "./llava-onevision.ts";
import { mistral } from "./mistral.ts";
import { mistral3, pixtral } from "./mistral3.ts";
import { nanollava } from "./nanollava.ts";
import { olmo2 } from "./olmo2.ts";
import { originalLlava } from "./original-llava.ts";
import { paligemma } from "./paligemma.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen2Vl, qwen25Vl } from "./qwen2-vl.ts";
import { qwen3 } from "./qwen3.ts";
import { qwen35, qwen35Text } from "./qwen3-5.ts";
import { qwen3Vl } from "./qwen3-vl.ts";
import { shikra } from "./shikra.ts";
import { siglip } from "./siglip.ts";
import { smollm3 } from "./smollm3.ts";
import { phi, stablelm } from "./stablelm.ts";
import { vit } from "./vit.ts";

/** The first that matches describes the model. */
const FAMILIES: readonly Family[] = [
  ...[nanollava, shikra, originalLlava, pixtral, llava, llavaNext, llavaOnevision, internvl, idefics3, smolvlm, lfm2Vl],
  ...[gemma3, paligemma, mistral3],
  ...[qwen2Vl, qwen25Vl, qwen3Vl, qwen35],
  ...[llama, qwen2, qwen3, mistral, phi3, olmo2, gemma2, gemma3Text, smollm3, granite, stablelm, phi, lfm2],
  ...[qwen35Text],
  ...[clip, siglip],
  vit,
];

/** Parsed JSON of the description files, by name; undefined where a file is missing. */
export type DescriptionFiles = Partial<Record<(typeof DESCRIPTION_FILES)[number], unknown>>;

/** Names of the families, for messages. */
export function familyNames(): string[] {
  return [...new Set(FAMILIES.map(({ name }) => name))];
}

/**
 * Describes a model by its small files.
 *
 * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported
 */
export function describeModel(files: DescriptionFiles): ModelSpec {
  const fields = (name: keyof DescriptionFiles) => {
    const json = files[name];
    return json === undefined ? undefined : ConfigFields.of(json, name);
  };
  const config = fields("config.json");
  if (!config) throw new FoveaError("unsupported-model", "no config.json: is this the folder of a model?");
  const descriptions: Descriptions = {
    config,
    preprocessor: fields("preprocessor_config.json"),
    processor: fields("processor_config.json"),
  };
  const family = FAMILIES.find((candidate) => candidate.matches(descriptions));
  if (!family) throw config.unsupported("model_type", familyNames().join(", "));
  return family.describe(descriptions);
}
