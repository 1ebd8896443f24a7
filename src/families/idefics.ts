/**
 * The first IDEFICS (Laurençon et al. 2023), an open Flamingo: CLIP's encoder, a perceiver resampler, and Llama with gated
 * layers of cross-attention between its own. Source: transformers, `modeling_idefics.py`, `processing_idefics.py`.
 */
import type { DecoderSpec, EncoderSpec, LayerSpec, ModelSpec } from "../spec/model-spec.ts";
import type { PictureSpec } from "../spec/picture-spec.ts";
import { type Descriptions, type Family, hasModelType, imageProcessor } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { type DecoderKind, LLAMA_DECODER, readDecoder } from "./parts/decoder-config.ts";
import { ALONE, decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { CLIP_ENCODER, MAX_BLOCKS, readEncoder, withEqualSides } from "./parts/encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { readPerceiver } from "./parts/perceiver.ts";
import { BLIP_PICTURES, readSquarePictures } from "./parts/square-pictures.ts";

const ENCODER_PREFIXES = ["model.vision_model."];
const AROUND_PICTURES = "<fake_token_around_image>";
const END_OF_UTTERANCE = "<end_of_utterance>";
/** Tokens beside the vocabulary that Llama came with: one around pictures, one for a picture, of instructed models the end of a turn. */
const IMAGE_TOKEN = 1;
const END_TOKEN = 2;
const MAX_ADDITIONAL_TOKENS = 1 << 16;

export const idefics: Family = {
  name: "idefics",
  matches: (files) => hasModelType(files, "idefics"),
  describe(files): ModelSpec {
    const { config } = files;
    const additional = config.integer("additional_vocab_size", 0, 0, MAX_ADDITIONAL_TOKENS);
    if (additional <= IMAGE_TOKEN)
      throw config.unsupported("additional_vocab_size", "at least 2, as the token of a picture is the second of them");
    const { encoder, imageSize } = readTower(config.objectOrEmpty("vision_config"));
    const perceiver = config.boolean("use_resampler", false)
      ? readPerceiver(config.objectOrEmpty("perceiver_config"), encoder.width)
      : { steps: [], tensors: [] };
    const read = readDecoder(config, decoderKind(config, encoder.width));
    const vocabulary = read.decoder.vocabularySize;
    const decoder = { ...read.decoder, vocabularySize: vocabulary + additional };
    return {
      family: "idefics",
      pictures: readPictures(files, encoder, imageSize),
      encoder,
      connector: perceiver.steps,
      decoder,
      imageTokenId: vocabulary + IMAGE_TOKEN,
      tensors: [
        ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
        ...perceiver.tensors,
        ...decoderTensors(decoder, ALONE, read.tied ? "tied" : "own", {
          names: { crossLayers: "gated_cross_attn_layers" },
          additional: { rows: additional, embed: "embed_tokens.additional_embedding", head: "lm_head.additional_fc" },
        }),
      ],
      ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
      ...(additional > END_TOKEN && { endTokens: [END_OF_UTTERANCE] }),
      fallbackPrompt: {
        ...{ speaker: "User:", answerer: "Assistant:", around: AROUND_PICTURES },
        ...(additional > END_TOKEN && { end: END_OF_UTTERANCE }),
      },
    };
  },
};

function readTower(fields: ConfigFields): { encoder: EncoderSpec; imageSize: number } {
  const width = fields.has("embed_dim") ? "embed_dim" : "hidden_size";
  const spelled = withEqualSides(
    fields.with({ ...Object.fromEntries(fields.entries()), hidden_size: fields.value(width) }),
  );
  const large = { width: 768, mlpWidth: 5120, blocks: 32, heads: 16, patchSize: 14, hiddenAct: "gelu" };
  const { imageSize, ...tower } = readEncoder(spelled, { ...CLIP_ENCODER, ...large });
  return { encoder: { ...tower, runBlocks: tower.blocks, postNorm: false, keepClassToken: true, cell: 1 }, imageSize };
}

/** The processor calls the side of its squares `image_size`. */
function readPictures(files: Descriptions, encoder: EncoderSpec, imageSize: number): PictureSpec {
  const fields = imageProcessor(files);
  fields?.integer("image_num_channels", 3, 3, 3);
  const size = fields?.value("image_size");
  const spelled = size === undefined ? fields : fields?.with({ ...Object.fromEntries(fields.entries()), size });
  const kind = { ...BLIP_PICTURES, processor: "IdeficsImageProcessor" };
  return {
    ...readSquarePictures(spelled, kind, { encoder, imageSize }),
    runs: (_, [rows]) => [{ view: 0, rows: rows!, beside: true }],
  };
}

/** @param beside width of the pictures' rows */
function decoderKind(config: ConfigFields, beside: number): DecoderKind {
  const gates = config.choice("alpha_type", "float", { float: "one", vector: "channels" } as const);
  const qkNorm = config.boolean("qk_layer_norms", false);
  return {
    ...LLAMA_DECODER,
    refine: (decoder, fields) => {
      const { length } = decoder.layers;
      const interval = fields.integer("cross_layer_interval", 1, 1, MAX_BLOCKS);
      if (length % interval !== 0)
        throw fields.unsupported("cross_layer_interval", `a divisor of num_hidden_layers ${length}`);
      return {
        ...decoder,
        layers: decoder.layers.flatMap((layer, i) =>
          i % interval === 0 ? [crossLayer(layer, gates, qkNorm), layer] : [layer],
        ),
        beside: { width: beside, ...endId(decoder) },
      };
    },
  };
}

function crossLayer({ attention, mlp }: LayerSpec, gates: "one" | "channels", qkNorm: boolean): LayerSpec {
  const { heads, headWidth } = attention!;
  return { kind: "cross", cross: { heads, headWidth, ...(qkNorm && { qkNorm }) }, mlp, gates };
}

/** The token after which rows see no picture. */
function endId({ eosIds: [id] }: DecoderSpec): { endId?: number } {
  return id === undefined ? {} : { endId: id };
}
