/**
 * mPLUG-Owl2: a CLIP-like encoder, an abstractor with learned queries, and Llama with norms, keys and values of their own for
 * the rows of pictures. Source: the repository's own code, `visual_encoder.py`, `modeling_llama2.py`.
 */
import { chain, wholeView } from "../image/geometry.ts";
import type { EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import type { PictureSpec } from "../spec/picture-spec.ts";
import { linear, type TensorSpec, vector } from "../spec/tensor-spec.ts";
import { type Family, hasModelType, imageProcessor } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { readAbstractor } from "./parts/abstractor.ts";
import { type DecoderKind, LLAMA_DECODER, readDecoder } from "./parts/decoder-config.ts";
import { ALONE, decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { CLIP_ENCODER, readEncoder } from "./parts/encoder-config.ts";
import { CLIP_NAMES, type EncoderNames, encoderTensors } from "./parts/encoder-tensors.ts";
import { CLIP_CROPS, readSquarePictures } from "./parts/square-pictures.ts";

const ENCODER_PREFIXES = ["model.vision_model."];
/** -200 as u32. */
const PUBLISHED_IMAGE_ID = 2 ** 32 - 200;

const ENCODER_NAMES: EncoderNames = {
  ...CLIP_NAMES,
  classToken: "embeddings.cls_token",
  positions: "embeddings.position_embedding",
  patch: "embeddings.patch_embed",
  preNorm: "embeddings.pre_layernorm",
  norm1: "input_layernorm",
  norm2: "post_attention_layernorm",
  qkv: "self_attn.query_key_value",
  headRows: true,
  out: "self_attn.dense",
};

/** Layers have each of these once for text (0) and once for pictures (1). */
const TEXT = ".multiway.0";
const PICTURES = ".multiway.1";

const DECODER: DecoderKind = {
  ...LLAMA_DECODER,
  files: {
    names: {
      norm1: `input_layernorm${TEXT}`,
      norm2: `post_attention_layernorm${TEXT}`,
      qkv: ["self_attn.q_proj", `self_attn.k_proj${TEXT}`, `self_attn.v_proj${TEXT}`],
    },
  },
  refine: (decoder) => ({ ...decoder, pictureWeights: true }),
};

export const mplugOwl2: Family = {
  name: "mplug_owl2",
  matches: (files) => hasModelType(files, "mplug_owl2"),
  describe(files): ModelSpec {
    const { config } = files;
    // mPLUG-Owl2.1 has the same type, and the first Qwen's decoder.
    const [architecture = "MPLUGOwl2LlamaForCausalLM"] = config.strings("architectures");
    if (architecture !== "MPLUGOwl2LlamaForCausalLM")
      throw config.unsupported("architectures", "MPLUGOwl2LlamaForCausalLM", architecture);
    const { decoder, tied, files: decoderFiles } = readDecoder(config, DECODER);
    const visual = config.objectOrEmpty("visual_config");
    const { encoder, imageSize } = readTower(visual.objectOrEmpty("visual_model"));
    const abstractor = readAbstractor(visual.objectOrEmpty("visual_abstractor"), encoder, decoder.width);
    return {
      family: "mplug_owl2",
      pictures: squaredPictures(
        readSquarePictures(imageProcessor(files), CLIP_CROPS, { encoder, imageSize }),
        encoder,
        imageSize,
      ),
      encoder,
      connector: abstractor.steps,
      decoder,
      imageTokenId: decoder.vocabularySize,
      publishedImageId: PUBLISHED_IMAGE_ID,
      tensors: [
        ...encoderTensors(encoder, ENCODER_NAMES, ENCODER_PREFIXES),
        ...abstractor.tensors,
        ...decoderTensors(decoder, ALONE, tied ? "tied" : "own", decoderFiles),
        ...decoder.layers.flatMap((layer, i) => pictureTensors(i, decoder.width, layer.attention!)),
      ],
      ignores: isComputed,
      fallbackPrompt: { system: "", user: "USER: ", answer: "ASSISTANT:" },
    };
  },
};

function readTower(fields: ConfigFields): { encoder: EncoderSpec; imageSize: number } {
  const large = { width: 1024, mlpWidth: 4096, blocks: 24, heads: 16, imageSize: 448, patchSize: 14 };
  const { imageSize, ...tower } = readEncoder(fields, { ...CLIP_ENCODER, ...large, eps: 1e-6 });
  return { encoder: { ...tower, runBlocks: tower.blocks, postNorm: true, keepClassToken: true, cell: 1 }, imageSize };
}

/** Pictures are resized to a square of their longer side first, in 8 bits. */
function squaredPictures(pictures: PictureSpec, { positions }: EncoderSpec, side: number): PictureSpec {
  return {
    ...pictures,
    plan(width, height, budget) {
      // Checks the budget.
      pictures.plan(width, height, budget);
      const longer = Math.max(width, height);
      const canvases = chain(
        { width, height },
        [longer, side].map((size) => ({ width: size, height: size })),
      );
      const last = canvases.length - 1;
      return { canvases, views: [wholeView(last, canvases[last]!, positions.grid)] };
    },
    marks: ["<|image|>"],
    afterMark: "",
  };
}

/** The tensors of a layer for picture rows. */
function pictureTensors(
  layer: number,
  width: number,
  { keyHeads, headWidth }: { keyHeads: number; headWidth: number },
): TensorSpec[] {
  const below = ALONE.prefixes.map((prefix) => `${prefix}layers.${layer}.`);
  const name = `decoder.layers.${layer}`;
  const rows = keyHeads * headWidth;
  const norm = (slot: string, source: string) =>
    vector(`${name}.${slot}.pictures.weight`, below, `${source}${PICTURES}.weight`, width);
  const products = ["k_proj", "v_proj"].map((source) => [`self_attn.${source}${PICTURES}`, rows] as const);
  return [
    norm("norm1", "input_layernorm"),
    norm("norm2", "post_attention_layernorm"),
    ...linear(`${name}.keyValue.pictures`, below, products, { cols: width, bias: false }),
  ];
}
