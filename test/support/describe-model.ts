/** Describes models without waiting: all families are loaded before the first test. */
import { type DescriptionFiles, descriptionsOf, loadFamilies, unknownFamily } from "../../src/families/registry.ts";
import { missingPart } from "../../src/families/unsupported-types.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";

const families = await loadFamilies();

/** As `describeModel` of src/families/registry.ts; throws at once. */
export function describeModel(files: DescriptionFiles): ModelSpec {
  const descriptions = descriptionsOf(files);
  const family = families.find((candidate) => candidate.matches(descriptions));
  if (!family) throw unknownFamily(descriptions, missingPart(descriptions.config.value("model_type")));
  return family.describe(descriptions);
}
