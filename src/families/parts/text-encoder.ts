/**
 * Text encoders that accompany an image encoder: the fields of CLIPTextConfig and SiglipTextConfig, and the names of
 * their tensors.
 */
import type { TextEncoderSpec } from "../../spec/model-spec.ts";
import { layerNorm, linear, stack, type TensorSpec } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { MAX_TOKEN_ID, MAX_VOCABULARY } from "./decoder-config.ts";
import { type BlocksKind, readBlocks } from "./encoder-config.ts";
import { type BlockNames, blockTensors } from "./encoder-tensors.ts";

/** The defaults of a config class, and the traits of its architecture. */
export interface TextKind extends BlocksKind, Pick<TextEncoderSpec, "causal" | "padded" | "lowercase"> {
  vocabularySize: number;
  maxTokens: number;
}

/** A bound, because all tokens run at once. */
const MAX_TEXT_TOKENS = 1 << 13;

/**
 * Reads a text encoder's fields.
 *
 * @throws FoveaError `unsupported-model`
 */
export function readTextEncoder(fields: ConfigFields, kind: TextKind): Omit<TextEncoderSpec, "pooled" | "projection"> {
  const { causal, padded, lowercase } = kind;
  return {
    ...readBlocks(fields, kind),
    qkvBias: true,
    vocabularySize: fields.integer("vocab_size", kind.vocabularySize, 1, MAX_VOCABULARY),
    // One token begins a text and one ends it.
    maxTokens: fields.integer("max_position_embeddings", kind.maxTokens, 2, MAX_TEXT_TOKENS),
    ...(causal && { causal }),
    ...(padded && { padded, padId: fields.integer("pad_token_id", 1, 0, MAX_TOKEN_ID) }),
    ...(lowercase && { lowercase }),
  };
}

/**
 * The tensors of a text encoder, under any of the prefixes.
 *
 * @param projection full names of its linear layer
 */
export function textTensors(
  spec: TextEncoderSpec,
  names: BlockNames,
  prefixes: readonly string[],
  projection: readonly string[],
): TensorSpec[] {
  const { width, vocabularySize, maxTokens } = spec;
  const table = "embeddings.token_embedding.weight";
  const positions = "embeddings.position_embedding.weight";
  return [
    stack("text.embed", "embedding", prefixes, [[table, [vocabularySize, width]]]),
    stack("text.positions", "table", prefixes, [[positions, [maxTokens, width]]]),
    ...blockTensors("text", spec, spec.blocks, names, prefixes),
    ...layerNorm("text.norm", prefixes, "final_layer_norm", width),
    ...(spec.projection
      ? asHead(
          linear("text.projection", projection, [["", spec.projection.width]], { cols: width, ...spec.projection }),
        )
      : []),
  ];
}

/** Marks a last layer, whose errors no later layer corrects. */
export function asHead(tensors: TensorSpec[]): TensorSpec[] {
  return tensors.map((tensor) => (tensor.use === "linear" ? { ...tensor, use: "head" } : tensor));
}
