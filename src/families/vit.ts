/** ViT image classifiers (Dosovitskiy et al. 2021), with or without their classifier. */
import type { EncoderSpec } from "../spec/model-spec.ts";
import { linear } from "../spec/tensor-spec.ts";
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { readEncoder, VIT_ENCODER } from "./parts/encoder-config.ts";
import { encoderTensors, isUnusedInEncoder, VIT_NAMES } from "./parts/encoder-tensors.ts";
import { readSquarePictures, VIT_PICTURES } from "./parts/square-pictures.ts";

const MAX_CLASSES = 1 << 17;
/** With the level that the task's class adds, and without it. */
const PREFIXES = ["vit.", ""];

export const vit: Family = {
  name: "vit",
  matches: (files) => hasModelType(files, "vit"),
  describe(files) {
    const { config } = files;
    const { imageSize, ...square } = readEncoder(config, VIT_ENCODER);
    const encoder: EncoderSpec = {
      ...square,
      runBlocks: square.blocks,
      postNorm: true,
      keepClassToken: true,
      cell: 1,
    };
    const classes = hasClassifier(config) ? readClasses(config) : [];
    const head = { cols: encoder.width, bias: true };
    return {
      family: "vit",
      pictures: readSquarePictures(imageProcessor(files), VIT_PICTURES, { encoder, imageSize }),
      encoder,
      connector: [],
      ...(classes.length > 0 ? { classes } : {}),
      tensors: [
        ...encoderTensors(encoder, VIT_NAMES, PREFIXES),
        ...(classes.length > 0
          ? linear("classifier", [""], [["classifier", classes.length]], head).map((tensor) =>
              tensor.use === "linear" ? { ...tensor, use: "head" as const } : tensor,
            )
          : []),
      ],
      ignores: (name) => isUnusedInEncoder(encoder, VIT_NAMES, PREFIXES, name),
    };
  },
};

function hasClassifier(fields: ConfigFields): boolean {
  const known = ["ViTForImageClassification", "ViTModel"];
  const architectures = fields.strings("architectures");
  if (!architectures.every((name) => known.includes(name)))
    throw fields.unsupported("architectures", `${known.join(" or ")} for model_type vit`);
  if (architectures.length > 0) return architectures.includes(known[0]!);
  return fields.has("id2label") || fields.has("num_labels");
}

/** Labels by class; as many as `id2label` has entries, else `num_labels`, else the 2 of the config class. */
function readClasses(fields: ConfigFields): string[] {
  const labels = fields.object("id2label");
  const entries = labels?.entries() ?? [];
  if (entries.length > MAX_CLASSES) throw fields.unsupported("id2label", `at most ${MAX_CLASSES} classes`);
  const count = labels ? entries.length : fields.integer("num_labels", 2, 0, MAX_CLASSES);
  const classes = Array.from({ length: count }, (_, i) => `class ${i}`);
  for (const [key, label] of entries) {
    if (typeof label !== "string" || !/^\d+$/.test(key)) throw labels!.unsupported(key, "a class number and its label");
    if (Number(key) < count) classes[Number(key)] = label;
  }
  return classes;
}
