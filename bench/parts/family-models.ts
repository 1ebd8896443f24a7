/** One published model for each family, of those that tests describe. For pages; Vite finds the files. */
import type { DescriptionFiles } from "../../src/families/registry.ts";
import { elementCount } from "../../src/shared/shape.ts";
import type { ModelSpec } from "../../src/spec/model-spec.ts";
import { describeModel } from "../../test/support/describe-model.ts";

export interface FamilyModel {
  family: string;
  name: string;
  spec: ModelSpec;
}

/** By address: the description files of published models, test/families/FAMILY/MODEL/FILE. */
const FILES = import.meta.glob<object>("../../test/families/*/*/{config,preprocessor_config,processor_config}.json", {
  eager: true,
  import: "default",
});

/** The model of this name, and the smallest one of every other family, in the order of their folders. */
export function familyModels(reference: string): { reference: FamilyModel; models: FamilyModel[] } {
  const folders = new Map<string, DescriptionFiles>();
  for (const [path, json] of Object.entries(FILES)) {
    const [file = "", name = "", folder = ""] = path.split("/").reverse();
    const key = `${folder}/${name}`;
    folders.set(key, { ...folders.get(key), [file]: json });
  }
  const smallest = new Map<string, FamilyModel & { parameters: number }>();
  for (const [key, files] of folders) {
    const spec = describeModel(files);
    const name = key.slice(key.indexOf("/") + 1);
    const size = spec.tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    // The reference represents its own family.
    const parameters = name === reference ? 0 : size;
    const { family } = spec;
    if (parameters < (smallest.get(family)?.parameters ?? Number.POSITIVE_INFINITY))
      smallest.set(family, { family, name, spec, parameters });
  }
  const models = [...smallest.values()];
  return { reference: models.find(({ name }) => name === reference)!, models };
}
