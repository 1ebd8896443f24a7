/** Describes models of an EVA encoder, a Q-Former and a decoder. */
import type { EncoderSpec, ModelSpec } from "../../spec/model-spec.ts";
import type { PictureSpec } from "../../spec/picture-spec.ts";
import { linear } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { type DecoderKind, MAX_TOKEN_ID, readDecoder } from "./decoder-config.ts";
import { decoderTensors, isComputed } from "./decoder-tensors.ts";
import { encoderTensors, isUnusedInEncoder } from "./encoder-tensors.ts";
import { EVA_NAMES, readEvaEncoder } from "./eva-encoder.ts";
import { readQueryTransformer } from "./query-transformer.ts";

const ENCODER_PREFIXES = ["vision_model."];

/** The differences between these families. */
export interface QueriedLayout {
  family: string;
  /** Kinds of decoders by `model_type`; the first is the default. */
  decoders: Readonly<Record<string, DecoderKind>>;
  decoderPrefix: string;
  /** The queries read the question too. */
  readsText: boolean;
  readPictures(tower: { encoder: EncoderSpec; imageSize: number }): PictureSpec;
}

/**
 * Describes a model by config.json.
 *
 * @throws FoveaError `unsupported-model`
 */
export function describeQueried(config: ConfigFields, layout: QueriedLayout): ModelSpec {
  const { family, decoders, decoderPrefix, readsText } = layout;
  const tower = readEvaEncoder(config);
  const { encoder } = tower;
  const text = config.objectOrEmpty("text_config");
  const read = readDecoder(text, text.choice("model_type", Object.keys(decoders)[0]!, decoders));
  const { decoder } = read;
  const { queries, tensors, ignores } = readQueryTransformer(config, { featureWidth: encoder.width, readsText });
  const names = { prefixes: [decoderPrefix], head: ["language_model.lm_head.weight"] };
  return {
    family,
    pictures: layout.readPictures(tower),
    encoder,
    connector: [
      { op: "queries", queries },
      { op: "linear", slot: "connector.projection", width: decoder.width, activation: "none" },
    ],
    decoder,
    // Older files name none: picture rows then use an id that no token has.
    imageTokenId: config.integer("image_token_index", decoder.vocabularySize, 0, MAX_TOKEN_ID),
    tensors: [
      ...encoderTensors(encoder, EVA_NAMES, ENCODER_PREFIXES),
      ...tensors,
      ...linear("connector.projection", ["language_projection"], [["", decoder.width]], {
        cols: queries.width,
        bias: true,
      }),
      ...decoderTensors(decoder, names, read.tied ? "tied" : "own", read.files),
    ],
    ignores: (name) =>
      isComputed(name) || ignores(name) || isUnusedInEncoder(encoder, EVA_NAMES, ENCODER_PREFIXES, name),
    fallbackPrompt: { closing: "" },
  };
}
