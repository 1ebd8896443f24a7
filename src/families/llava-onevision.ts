/**
 * LLaVA-OneVision in Hugging Face's layout: a single picture in tiles, whose rows are shrunk if there are many; several
 * pictures each padded to a square.
 */
import { padColour, squarePlan } from "../image/geometry.ts";
import type { PictureSpec } from "../spec/picture-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { planAnyres } from "./parts/anyres.ts";
import { type AnyresKind, readAnyresPictures } from "./parts/anyres-pictures.ts";
import { describeLlava, type Tower } from "./parts/llava-parts.ts";
import { SIGLIP_PIXELS } from "./parts/pixel-values.ts";

/** Defaults of LlavaOnevisionConfig. */
const DEFAULTS = {
  image_token_index: 151646,
  vision_feature_layer: -1,
  vision_feature_select_strategy: "full",
  vision_config: {
    model_type: "siglip_vision_model",
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 26,
    num_attention_heads: 16,
    image_size: 384,
    patch_size: 14,
  },
  text_config: { model_type: "qwen2" },
};
const MOST_TILES_IN_ROW = 6;

export const llavaOnevision: Family = {
  name: "llava_onevision",
  matches: (files) => hasModelType(files, "llava_onevision"),
  describe(files) {
    const kind: AnyresKind = {
      processor: "LlavaOnevisionImageProcessor",
      pixels: SIGLIP_PIXELS,
      resolutions: allResolutions,
      maxTiles: readMaxTiles(files.config),
    };
    const given = Object.fromEntries(files.config.entries().filter(([, value]) => value !== null));
    return describeLlava(files.config.with({ ...DEFAULTS, ...given }), {
      family: "llava_onevision",
      learned: { names: ["image_newline", "model.image_newline"] },
      readPictures: (tower) => several(readAnyresPictures(files, kind, tower), tower),
    });
  },
};

/** 1 to 6 views down and across. */
function allResolutions(side: number) {
  const counts = Array.from({ length: MOST_TILES_IN_ROW }, (_, i) => i + 1);
  return counts.flatMap((rows) => counts.map((cols) => ({ width: cols * side, height: rows * side })));
}

/** "anyres_max_9" shrinks to 9 tiles' worth of rows. */
function readMaxTiles(config: ConfigFields): number {
  const value = config.value("vision_aspect_ratio") ?? "anyres_max_9";
  const digits = typeof value === "string" ? /^anyres_max_([1-9]\d{0,2})$/.exec(value)?.[1] : undefined;
  if (!digits) throw config.unsupported("vision_aspect_ratio", "anyres_max_ and a number from 1 to 999");
  return Number(digits);
}

/** Several pictures have one view each, padded with the mean colour. */
function several(pictures: ReturnType<typeof readAnyresPictures>, { encoder, imageSize: size }: Tower): PictureSpec {
  return {
    ...pictures,
    planSeveral: (width, height, budget) => {
      // Checks the budget as for a single picture; one view satisfies all of its limits.
      planAnyres(pictures.rule, width, height, budget);
      const plan = squarePlan({ mode: "pad", size }, encoder.patch.side, width, height);
      return { ...plan, padColour: padColour(pictures) };
    },
  };
}
