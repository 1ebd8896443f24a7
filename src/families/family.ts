/**
 * A family of checkpoints as a value: it recognises a model by its small files and describes it. A family's specifics
 * are in its file and in parts/; the rest of the engine reads the `ModelSpec`.
 */
import { isJsonObject } from "../shared/json.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import type { ConfigFields } from "./fields.ts";

/** The small JSON files of a model, parsed; a file that is missing is undefined. All of them are untrusted. */
export interface Descriptions {
  config: ConfigFields;
  /** preprocessor_config.json */
  preprocessor?: ConfigFields | undefined;
  /** processor_config.json */
  processor?: ConfigFields | undefined;
}

export interface Family {
  /** The `model_type` of its published configs. */
  readonly name: string;
  /** True for the files of a model of this family. Pure, and never throws. */
  matches(files: Descriptions): boolean;
  /**
   * The model as a value. Pure.
   *
   * @throws FoveaError `unsupported-model`, naming the field, its value and what is supported
   */
  describe(files: Descriptions): ModelSpec;
}

/**
 * The settings of the image processor. transformers 5 saves them inside processor_config.json, older versions as
 * preprocessor_config.json; the former take precedence.
 */
export function imageProcessor({ preprocessor, processor }: Omit<Descriptions, "config">): ConfigFields | undefined {
  return processor?.object("image_processor") ?? preprocessor;
}

/** True where config.json's `model_type` is this. */
export function hasModelType({ config }: Descriptions, type: string): boolean {
  return config.value("model_type") === type;
}

/** True for a Pixtral in the layout of LLaVA: the type is LLaVA's, the encoder's type is its own. */
export function isPixtral(files: Descriptions): boolean {
  const vision = files.config.value("vision_config");
  return hasModelType(files, "llava") && isJsonObject(vision) && vision.model_type === "pixtral";
}
