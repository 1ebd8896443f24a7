/** The whole vision-language model, from pixels and ids to logits, as `inspect` of the public interface gives it. */
import type { Origin } from "../owners.ts";
import { tokenEmbed } from "../token-embed.ts";
import { decode, greedy, type InhibitedLayer, type Prompt } from "./decoder.ts";
import { project } from "./projector.ts";
import type { Compression, Inhibition, LlavaConfig } from "./settings.ts";
import { encodeImage, type VisionResult } from "./vision.ts";
import { tensorData, type Weights } from "./weights.ts";

export interface LlavaRequest {
  /** Planar [3, S, S] each, one per image id in `inputIds`. */
  pixelValues: ArrayLike<number>[];
  inputIds: readonly number[];
  compression?: Compression;
  inhibition?: Inhibition;
  greedySteps?: number;
}

export interface LlavaResult {
  images: (VisionResult & { projected: Float64Array })[];
  /** The spliced prompt of T tokens. */
  prompt: Prompt;
  layers: InhibitedLayer[];
  /** [T, V] */
  logits: Float64Array;
  greedy: { ids: number[]; logits: Float64Array };
}

/**
 * Replaces each image id by that image's projected tokens.
 * With original positions an image's tokens keep their places in the full grid, and the text continues after the grid.
 */
function splice(
  request: LlavaRequest,
  images: { projected: Float64Array; origins: Origin[] }[],
  config: LlavaConfig,
  weights: Weights,
): Prompt {
  const width = config.text_config.hidden_size;
  const table = tensorData(weights, "text.embed_tokens.weight");
  const original = request.compression?.method === "vmtc" && request.compression.positions === "original";
  const gridTokens = Math.floor(config.vision_config.image_size / config.vision_config.patch_size) ** 2;
  const embeddings: number[] = [];
  const prompt: Prompt = { embeddings: new Float64Array(0), positions: [], nextPosition: 0, images: [] };
  let position = 0;
  for (const id of request.inputIds) {
    if (id !== config.image_token_index) {
      embeddings.push(...tokenEmbed([id], table, width));
      prompt.positions.push(position++);
      continue;
    }
    const { projected, origins } = images[prompt.images.length]!;
    const count = projected.length / width;
    // A class token ("full" with CLIP) stands before the grid.
    const classTokens = original ? count - origins.length : 0;
    prompt.images.push(Array.from({ length: count }, (_, i) => prompt.positions.length + i));
    embeddings.push(...projected);
    for (let i = 0; i < count; i++) {
      const inGrid = i < classTokens ? 0 : classTokens + (origins[i - classTokens]?.owner ?? 0);
      prompt.positions.push(position + (original ? inGrid : i));
    }
    position += original ? classTokens + gridTokens : count;
  }
  prompt.embeddings = new Float64Array(embeddings);
  prompt.nextPosition = position;
  return prompt;
}

/** Runs encoder, projector and decoder, and continues greedily; the image id is never chosen. */
export function runLlava(config: LlavaConfig, weights: Weights, request: LlavaRequest): LlavaResult {
  const images = request.pixelValues.map((pixels) => {
    const encoded = encodeImage(pixels, config.vision_config, weights, {
      featureLayer: config.vision_feature_layer,
      keepClassToken: config.vision_feature_select_strategy === "full",
      compression: request.compression ?? { method: "none" },
    });
    const projected = project(encoded.features, config.vision_config.hidden_size, config.projector_hidden_act, weights);
    return { ...encoded, projected };
  });
  const prompt = splice(request, images, config, weights);
  const { logits, layers } = decode(prompt, config.text_config, weights, request.inhibition);
  const continuation = greedy(prompt, request.greedySteps ?? 0, config.text_config, weights, request.inhibition, [
    config.image_token_index,
  ]);
  return { images, prompt, layers, logits, greedy: continuation };
}
