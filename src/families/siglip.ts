/** SigLIP (Zhai et al. 2023) and SigLIP 2 of one resolution, in Hugging Face's layout: both encoders, or one of them alone. */
import type { EncoderSpec, ModelSpec, TextEncoderSpec } from "../spec/model-spec.ts";
import { type Descriptions, type Family, hasModelType, imageProcessor } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { MAX_WIDTH, readEncoder, SIGLIP_ENCODER } from "./parts/encoder-config.ts";
import { readSquarePictures, SIGLIP_PICTURES } from "./parts/square-pictures.ts";
import { readTextEncoder, type TextKind } from "./parts/text-encoder.ts";
import { checkArchitectures, describeTowers, type PictureTower, type TextTower } from "./parts/two-towers.ts";

const SIGLIP_TEXT: TextKind = {
  width: 768,
  mlpWidth: 3072,
  blocks: 12,
  heads: 12,
  hiddenAct: "gelu_pytorch_tanh",
  eps: 1e-6,
  vocabularySize: 32000,
  maxTokens: 64,
  padded: true,
  lowercase: true,
};

const DESCRIBE: Readonly<Record<string, (files: Descriptions) => ModelSpec>> = {
  siglip: describePair,
  siglip_vision_model: describeVision,
  siglip_text_model: describeTextTower,
};

export const siglip: Family = {
  name: "siglip",
  matches: (files) => Object.keys(DESCRIBE).some((type) => hasModelType(files, type)),
  describe: (files) => files.config.choice("model_type", "siglip", DESCRIBE)(files),
};

const COMPARISON = { bias: true, probabilities: "sigmoid" } as const;

function describePair(files: Descriptions): ModelSpec {
  const { config } = files;
  checkArchitectures(config, ["SiglipModel"]);
  const vision = config.objectOrEmpty("vision_config");
  const texts = config.objectOrEmpty("text_config");
  const picture = pictureTower(files, vision);
  const text = textTower(texts);
  if (!picture.pooling) throw vision.unsupported("vision_use_head", "true beside a text encoder");
  const { width } = picture.pooling;
  if (text.encoder.projection!.width !== width)
    throw texts.unsupported("projection_size", `the width of the pictures' embeddings, ${width}`);
  return describeTowers({ family: "siglip", picture, text, comparison: COMPARISON });
}

function describeVision(files: Descriptions): ModelSpec {
  checkArchitectures(files.config, ["SiglipVisionModel"]);
  return describeTowers({ family: "siglip", picture: pictureTower(files, files.config), comparison: COMPARISON });
}

function describeTextTower({ config }: Descriptions): ModelSpec {
  checkArchitectures(config, ["SiglipTextModel"]);
  return describeTowers({ family: "siglip", text: textTower(config), comparison: COMPARISON });
}

function pictureTower(files: Descriptions, fields: ConfigFields): PictureTower {
  const { imageSize, ...tower } = readEncoder(fields, SIGLIP_ENCODER);
  const encoder: EncoderSpec = { ...tower, runBlocks: tower.blocks, postNorm: true, keepClassToken: false, cell: 1 };
  const hasHead = fields.boolean("vision_use_head", true);
  return {
    encoder,
    pictures: readSquarePictures(imageProcessor(files), SIGLIP_PICTURES, { encoder, imageSize }),
    pooling: hasHead ? { kind: "probe", width: encoder.width } : undefined,
  };
}

function textTower(fields: ConfigFields): TextTower {
  const blocks = readTextEncoder(fields, SIGLIP_TEXT);
  const width = fields.integer("projection_size", blocks.width, 1, MAX_WIDTH);
  const encoder: TextEncoderSpec = { ...blocks, pooled: "last", projection: { width, bias: true } };
  return { encoder, projection: ["text_model.head", "head"] };
}
