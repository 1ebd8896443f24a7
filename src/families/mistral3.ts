/**
 * Models with Pixtral's encoder: Mistral Small 3.1 and 3.2, Ministral 3, and Pixtral itself in the layout of LLaVA. Source:
 * transformers, `modeling_mistral3.py`, `modeling_llava.py`, `modeling_ministral3.py`.
 */
import type { ConnectorStep, EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import { linear, type TensorSpec, vector } from "../spec/tensor-spec.ts";
import { type Descriptions, type Family, hasModelType, isPixtral } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { readImageTokenId } from "./gemma3.ts";
import { MINISTRAL3_DECODER, MISTRAL_DECODER } from "./mistral.ts";
import { HIDDEN_ACTIVATIONS } from "./parts/activations.ts";
import { LLAMA_DECODER, type ReadDecoder, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { encoderTensors, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { readLinePictures } from "./parts/line-pictures.ts";
import { PIXTRAL_NAMES, readPixtralTower } from "./parts/pixtral-tower.ts";

// As published, and as transformers 5 saves them.
const ENCODER_PREFIXES = ["vision_tower.", "model.vision_tower."];
const CONNECTOR_PREFIXES = ["multi_modal_projector.", "model.multi_modal_projector."];
const DECODER_NAMES = {
  prefixes: ["language_model.model.", "model.language_model."],
  head: ["language_model.lm_head.weight", "lm_head.weight"],
};
const MAX_CELL = 8;

const DECODERS = { mistral: MISTRAL_DECODER, ministral3: MINISTRAL3_DECODER, llama: LLAMA_DECODER };

/** Mistral3Config's defaults for missing configs. */
const DEFAULT_VISION = { image_size: 1540, patch_size: 14 };
const DEFAULT_TEXT = {
  ...{ model_type: "mistral", hidden_size: 5120, intermediate_size: 32768, num_hidden_layers: 40, head_dim: 128 },
  ...{ num_attention_heads: 32, num_key_value_heads: 8, rms_norm_eps: 1e-5, rope_theta: 1e9, sliding_window: null },
  vocab_size: 131072,
};

export const mistral3: Family = {
  name: "mistral3",
  matches: (files) => hasModelType(files, "mistral3"),
  describe(files) {
    const { config } = files;
    const vision = config.object("vision_config") ?? config.with(DEFAULT_VISION);
    const cell = config.integer("spatial_merge_size", 2, 1, MAX_CELL);
    const text = config.object("text_config") ?? config.with(DEFAULT_TEXT);
    return describeWithPixtral(files, { family: "mistral3", vision, text, cell, layer: -1, bias: false, merges: true });
  },
};

export const pixtral: Family = {
  name: "pixtral",
  matches: isPixtral,
  describe(files) {
    const { config } = files;
    // Without it the reference drops the first patch.
    config.choice("vision_feature_select_strategy", "default", { full: true });
    const [vision, text] = [config.objectOrEmpty("vision_config"), config.objectOrEmpty("text_config")];
    return describeWithPixtral(files, {
      family: "pixtral",
      vision,
      text,
      cell: 1,
      layer: -2,
      bias: true,
      merges: false,
    });
  },
};

interface Parts {
  family: string;
  vision: ConfigFields;
  text: ConfigFields;
  cell: number;
  /** Default of `vision_feature_layer`. */
  layer: number;
  /** Default of `multimodal_projector_bias`. */
  bias: boolean;
  /** A norm, and a matrix that merges the patches of a cell, come before the two linear layers. */
  merges: boolean;
}

function describeWithPixtral(files: Descriptions, parts: Parts): ModelSpec {
  const { config } = files;
  const { family, vision, text, cell, merges } = parts;
  const { encoder: tower, imageSize } = readPixtralTower(vision);
  const encoder = { ...tower, cell, runBlocks: readRunBlocks(config, tower.blocks, parts.layer) };
  const read = readDecoder(text, text.choice("model_type", "mistral", DECODERS));
  const connector = connectorOf(config, encoder, read, merges);
  const bias = config.boolean("multimodal_projector_bias", parts.bias);
  return {
    family,
    pictures: readLinePictures(files, encoder, imageSize),
    encoder,
    connector,
    decoder: read.decoder,
    imageTokenId: readImageTokenId(config, merges ? 10 : 32000),
    tensors: [
      ...encoderTensors(encoder, PIXTRAL_NAMES, ENCODER_PREFIXES),
      ...(merges ? mergerTensors(encoder) : []),
      ...[1, 2].flatMap((layer) =>
        linear(`connector.${layer}`, CONNECTOR_PREFIXES, [[`linear_${layer}`, read.decoder.width]], {
          cols: layer === 1 ? encoder.width : read.decoder.width,
          bias,
        }),
      ),
      // transformers 5 takes a missing flag for a tied head, older versions for a head of its own: the file decides.
      ...decoderTensors(read.decoder, DECODER_NAMES, "optional", read.files),
    ],
    ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, PIXTRAL_NAMES, ENCODER_PREFIXES, name),
  };
}

function connectorOf(config: ConfigFields, encoder: EncoderSpec, { decoder }: ReadDecoder, merges: boolean) {
  const activation = config.choice("projector_hidden_act", "gelu", HIDDEN_ACTIVATIONS);
  const merger: ConnectorStep[] = [
    { op: "norm", slot: "connector.norm", eps: decoder.eps },
    { op: "fold", factor: encoder.cell },
    { op: "linear", slot: "connector.merger", width: encoder.width, activation: "none" },
  ];
  const steps: ConnectorStep[] = [
    { op: "linear", slot: "connector.1", width: decoder.width, activation },
    { op: "linear", slot: "connector.2", width: decoder.width, activation: "none" },
  ];
  return merges ? [...merger, ...steps] : steps;
}

/** The published matrix reads the patches of a cell channel by channel, ours patch by patch. */
function mergerTensors({ width, cell }: EncoderSpec): TensorSpec[] {
  const folded = width * cell ** 2;
  const matrix = linear("connector.merger", CONNECTOR_PREFIXES, [["patch_merger.merging_layer", width]], {
    cols: folded,
    bias: false,
  });
  const transposes = [width, cell ** 2] as const;
  return [
    vector("connector.norm.weight", CONNECTOR_PREFIXES, "norm.weight", width),
    ...matrix.map((tensor) => ({ ...tensor, parts: tensor.parts.map((part) => ({ ...part, transposes })) })),
  ];
}

/** The number of blocks up to the feature layer; -1 is the last hidden state. */
function readRunBlocks(fields: ConfigFields, blocks: number, fallback: number): number {
  const name = "vision_feature_layer";
  const given = fields.value(name) ?? fallback;
  const layer = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (typeof layer !== "number" || !Number.isInteger(layer) || layer === 0 || Math.abs(layer) > blocks)
    throw fields.unsupported(name, `one layer, from 1 to ${blocks} or from -1 to -${blocks}`);
  return layer > 0 ? layer : blocks + 1 + layer;
}
