/** Checks the image processor's settings, for families with one known processor. */
import { type Descriptions, imageProcessor } from "../family.ts";
import { ConfigFields } from "../fields.ts";

/**
 * The fields of the image processor, empty without a file.
 *
 * @param name of the processor's class; its fast and Pillow variants count as the same
 * @param always steps that must not be turned off
 * @throws FoveaError `unsupported-model` for another class, and for a step that is turned off
 */
export function readProcessorFields(
  files: Descriptions,
  name: string,
  always: readonly string[] = ["do_resize", "do_convert_rgb"],
): ConfigFields {
  const fields = imageProcessor(files) ?? ConfigFields.of({}, "preprocessor_config.json");
  fields.choice("image_processor_type", name, { [name]: true, [`${name}Fast`]: true, [`${name}Pil`]: true });
  for (const step of always) if (!fields.boolean(step, true)) throw fields.unsupported(step, "true");
  return fields;
}
