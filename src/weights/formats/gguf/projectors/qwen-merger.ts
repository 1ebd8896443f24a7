/**
 * "qwen2vl_merger", "qwen2.5vl_merger" and "qwen3vl_merger": towers of pictures of any shape with rotary positions, and a
 * merger of cells of patches.
 */
import { optionalField } from "../optional-field.ts";
import { MERGER_2_TOWER, MERGER_3_TOWER, MERGER_25_TOWER, type TowerNames } from "../tower-names.ts";
import { imageToken, neededMatrix, type Projector, type ProjectorInput, type ProjectorLayout } from "./projector.ts";

/** Frames of a patch; files hold a convolution for each. */
const FRAMES = 2;

export const merger2: Projector = {
  config(input) {
    const { vision, text } = input;
    const { hidden_size: width, intermediate_size: mlp } = vision as Record<string, number>;
    return {
      ...flat(input, "qwen2_vl"),
      vision_config: {
        ...grid(input),
        embed_dim: width,
        hidden_size: text.hidden_size,
        // The family takes the integer below width times ratio.
        mlp_ratio: (mlp! + 0.5) / width!,
      },
    };
  },
  preprocessor: areaPreprocessor,
  layout: () => layout(MERGER_2_TOWER, { norm: "ln_q", linear1: "mlp.0", linear2: "mlp.2" }, FLAT),
};

export const merger25: Projector = {
  config(input) {
    const { clip, vision, text } = input;
    const blocks = vision.num_hidden_layers as number;
    // Every so many blocks one sees the whole picture.
    const pattern = clip.size("vision.n_wa_pattern") ?? blocks;
    const listed = clip.metadata.numbers(clip.name("vision.fullatt_block_indexes"));
    return {
      ...flat(input, "qwen2_5_vl"),
      vision_config: {
        ...grid(input),
        hidden_size: vision.hidden_size,
        intermediate_size: vision.intermediate_size,
        out_hidden_size: text.hidden_size,
        window_size: clip.size("vision.window_size") ?? 112,
        fullatt_block_indexes: listed
          ? [...listed]
          : Array.from({ length: blocks }, (_, block) => block).filter((block) => (block + 1) % pattern === 0),
      },
    };
  },
  preprocessor: areaPreprocessor,
  layout: () => layout(MERGER_25_TOWER, { norm: "ln_q", linear1: "mlp.0", linear2: "mlp.2" }, FLAT),
};

export const merger3: Projector = {
  config(input) {
    const { vision, text, language } = input;
    const { rope_scaling: _, ...plain } = text;
    return {
      model_type: PICTURED[text.model_type as string] ?? "qwen3_vl",
      text_config: {
        ...plain,
        rope_scaling: { rope_type: "default", mrope_interleaved: true, mrope_section: sections(language) },
      },
      vision_config: {
        ...grid(input),
        hidden_size: vision.hidden_size,
        intermediate_size: vision.intermediate_size,
        out_hidden_size: text.hidden_size,
        num_position_embeddings: neededMatrix(input, "v.position_embd.weight").shape[0],
        deepstack_visual_indexes: tappedBlocks(input),
      },
      tie_word_embeddings: text.tie_word_embeddings,
      image_token_id: imageToken(input, "<|image_pad|>"),
    };
  },
  preprocessor: areaPreprocessor,
  layout(input) {
    const names = { norm: "norm", linear1: "linear_fc1", linear2: "linear_fc2" };
    const below = { prefix: "model.language_model.", head: "lm_head" };
    const { names: own, ...rest } = layout(MERGER_3_TOWER, names, below);
    const taps = tappedBlocks(input).flatMap((block, i) =>
      Object.entries({ norm: "norm", fc1: "linear_fc1", fc2: "linear_fc2" }).map(([part, name]) => [
        `v.deepstack.${block}.${part}`,
        `visual.deepstack_merger_list.${i}.${name}`,
      ]),
    );
    return { ...rest, names: { ...own, ...Object.fromEntries(taps) } };
  },
};

/** Decoders -> the same with this tower. */
const PICTURED: Readonly<Record<string, string>> = { qwen3_5_text: "qwen3_5" };

/** The decoder's fields are at the top of such configs, and its tensors below "model.". */
const FLAT = { prefix: "model.", head: "lm_head" };

function flat(input: ProjectorInput, modelType: string): Record<string, unknown> {
  const { rope_scaling: _, ...text } = input.text;
  return {
    ...text,
    model_type: modelType,
    rope_scaling: { type: "mrope", mrope_section: sections(input.language) },
    image_token_id: imageToken(input, "<|image_pad|>"),
  };
}

/** Pairs of channels that turn by time, row and column. A fourth axis has none. */
function sections(language: ProjectorInput["language"]): number[] | undefined {
  const listed = language.metadata.numbers(language.name("rope.dimension_sections"));
  return listed && [...listed].slice(0, 3);
}

function grid({ clip, vision }: ProjectorInput): Record<string, unknown> {
  return {
    depth: vision.num_hidden_layers,
    num_heads: vision.num_attention_heads,
    hidden_act: vision.hidden_act,
    patch_size: vision.patch_size,
    spatial_merge_size: clip.size("vision.spatial_merge_size") ?? 2,
    temporal_patch_size: FRAMES,
    // Files hold queries, keys and values apart.
    qkv_is_split: true,
  };
}

/** Blocks whose features go to the first layers of the decoder, by their tensors: older files have no list. */
function tappedBlocks({ tensors }: ProjectorInput): number[] {
  const blocks = [...tensors.keys()].flatMap((name) => /^v\.deepstack\.(\d+)\.fc2\.weight$/.exec(name)?.[1] ?? []);
  return blocks.map(Number).sort((a, b) => a - b);
}

function areaPreprocessor({ clip, vision }: ProjectorInput): Record<string, unknown> {
  return {
    patch_size: vision.patch_size,
    temporal_patch_size: FRAMES,
    merge_size: clip.size("vision.spatial_merge_size") ?? 2,
    ...optionalField("min_pixels", clip.size("vision.image_min_pixels")),
    ...optionalField("max_pixels", clip.size("vision.image_max_pixels")),
  };
}

interface MergerNames {
  norm: string;
  linear1: string;
  linear2: string;
}

function layout(tower: TowerNames, merger: MergerNames, language: ProjectorLayout["language"]): ProjectorLayout {
  return {
    tower,
    towerPrefix: "visual.",
    language,
    names: {
      "v.post_ln": `visual.merger.${merger.norm}`,
      "mm.0": `visual.merger.${merger.linear1}`,
      "mm.2": `visual.merger.${merger.linear2}`,
    },
    last: ["mm.2.weight", 0],
  };
}
