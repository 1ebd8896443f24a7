/** CLIP (Radford et al. 2021) in Hugging Face's layout: both encoders, or one of them alone. */
import type { EncoderSpec, ModelSpec, TextEncoderSpec } from "../spec/model-spec.ts";
import { type Descriptions, type Family, hasModelType, imageProcessor } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { MAX_TOKEN_ID } from "./parts/decoder-config.ts";
import { CLIP_ENCODER, MAX_WIDTH, readEncoder } from "./parts/encoder-config.ts";
import { CLIP_CROPS, readSquarePictures } from "./parts/square-pictures.ts";
import { readTextEncoder, type TextKind } from "./parts/text-encoder.ts";
import { checkArchitectures, describeTowers, type PictureTower, type TextTower } from "./parts/two-towers.ts";

const CLIP_TEXT: TextKind = {
  width: 512,
  mlpWidth: 2048,
  blocks: 12,
  heads: 8,
  hiddenAct: "quick_gelu",
  eps: 1e-5,
  vocabularySize: 49408,
  maxTokens: 77,
  causal: true,
};

/** Old files name this end token for every model. It is wrong; the largest id of a text is read instead. */
const WRONG_END_ID = 2;

const DESCRIBE: Readonly<Record<string, (files: Descriptions) => ModelSpec>> = {
  clip: describePair,
  clip_vision_model: describeVision,
  clip_text_model: describeTextTower,
};

export const clip: Family = {
  name: "clip",
  matches: (files) => Object.keys(DESCRIBE).some((type) => hasModelType(files, type)),
  describe: (files) => files.config.choice("model_type", "clip", DESCRIBE)(files),
};

const COMPARISON = { bias: false, probabilities: "softmax" } as const;

function describePair(files: Descriptions): ModelSpec {
  const { config } = files;
  checkArchitectures(config, ["CLIPModel"]);
  const width = readProjection(config);
  return describeTowers({
    family: "clip",
    picture: pictureTower(files, towerFields(config, "vision_config"), width),
    text: textTower(towerFields(config, "text_config"), width),
    comparison: COMPARISON,
  });
}

function describeVision(files: Descriptions): ModelSpec {
  const { config } = files;
  const name = checkArchitectures(config, ["CLIPVisionModel", "CLIPVisionModelWithProjection"]);
  const width = name === "CLIPVisionModelWithProjection" ? readProjection(config) : undefined;
  return describeTowers({ family: "clip", picture: pictureTower(files, config, width), comparison: COMPARISON });
}

function describeTextTower({ config }: Descriptions): ModelSpec {
  const name = checkArchitectures(config, ["CLIPTextModel", "CLIPTextModelWithProjection"]);
  const width = name === "CLIPTextModelWithProjection" ? readProjection(config) : undefined;
  return describeTowers({ family: "clip", text: textTower(config, width), comparison: COMPARISON });
}

/** Files from before version 4.24 also have an object under another name, which takes precedence with its defaults. */
function towerFields(config: ConfigFields, name: string): ConfigFields {
  return config.object(`${name}_dict`) ?? config.objectOrEmpty(name);
}

function readProjection(fields: ConfigFields): number {
  return fields.integer("projection_dim", 512, 1, MAX_WIDTH);
}

function pictureTower(files: Descriptions, fields: ConfigFields, projection: number | undefined): PictureTower {
  const { imageSize, ...tower } = readEncoder(fields, CLIP_ENCODER);
  const encoder: EncoderSpec = { ...tower, runBlocks: tower.blocks, postNorm: false, keepClassToken: true, cell: 1 };
  return {
    encoder,
    pictures: readSquarePictures(imageProcessor(files), CLIP_CROPS, { encoder, imageSize }),
    pooling: { kind: "class", width: projection ?? encoder.width, ...(projection !== undefined && { projects: true }) },
  };
}

function textTower(fields: ConfigFields, projection: number | undefined): TextTower {
  const end = fields.integer("eos_token_id", 49407, 0, MAX_TOKEN_ID);
  const encoder: TextEncoderSpec = {
    ...readTextEncoder(fields, CLIP_TEXT),
    pooled: end === WRONG_END_ID ? "largest-id" : { id: end },
    ...(projection !== undefined && { projection: { width: projection, bias: false } }),
  };
  return { encoder, projection: ["text_projection"] };
}
