/**
 * LFM2-VL and LFM2.5-VL: a SigLIP 2 encoder over views of any shape, pixel unshuffle, two linear layers, and an LFM2
 * decoder. Source: transformers, `modeling_lfm2_vl.py`, `image_processing_lfm2_vl_fast.py`, `processing_lfm2_vl.py`.
 */
import type { ConnectorStep, EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import type { PictureRun, PictureSpec } from "../spec/picture-spec.ts";
import { layerNorm, linear } from "../spec/tensor-spec.ts";
import { type Descriptions, type Family, hasModelType, imageProcessor } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { LFM2_DECODER } from "./lfm2.ts";
import { HIDDEN_ACTIVATIONS } from "./parts/activations.ts";
import { MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { readEncoder, SIGLIP_ENCODER } from "./parts/encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { tileGrid } from "./parts/longest-edge-tiles.ts";
import { readPixelValues } from "./parts/pixel-values.ts";
import { planTokenRangeTiles, type TokenRangeTiles } from "./parts/token-range-tiles.ts";

// As published, and as transformers 5 saves them.
const ENCODER_PREFIXES = ["model.vision_tower.vision_model.", "model.vision_tower.", "vision_tower."];
const CONNECTOR_PREFIXES = ["model.multi_modal_projector.", "multi_modal_projector."];
const DECODER_NAMES = {
  prefixes: ["model.language_model.", "language_model.model."],
  head: ["lm_head.weight", "language_model.lm_head.weight"],
};

/** Epsilon of the connector's norm, independent of the encoder's. */
const CONNECTOR_EPS = 1e-5;
const PIXELS = { filter: "bilinear", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
// Bounds far above published models: cells of 2, 256 tokens, 10 tiles of 32 patches.
const MAX_CELL = 8;
const MAX_TILE_SIDE = 128;
const MAX_TILES = 64;

export const lfm2Vl: Family = {
  name: "lfm2_vl",
  matches: (files) => hasModelType(files, "lfm2_vl"),
  describe(files) {
    const { config } = files;
    const tower = readTower(config.objectOrEmpty("vision_config"));
    const cell = config.integer("downsample_factor", 2, 1, MAX_CELL);
    const processor = imageProcessor(files) ?? ConfigFields.of({}, "preprocessor_config.json");
    const rule = readRule(processor, tower.patch.side, cell);
    // The largest square view.
    const side = cell * Math.floor(Math.sqrt(rule.maxTokens));
    const encoder: EncoderSpec = {
      ...tower,
      positions: { grid: { rows: side, cols: side }, table: tower.positions.grid },
      runBlocks: tower.blocks,
      postNorm: true,
      keepClassToken: false,
      cell,
    };
    const text = config.objectOrEmpty("text_config");
    const kind = text.choice("model_type", "lfm2", { lfm2: LFM2_DECODER });
    const { decoder, tied, files: decoderFiles } = readDecoder(text, kind);
    const middle = config.integer("projector_hidden_size", 2560, 1, 1 << 16);
    const activation = config.choice("projector_hidden_act", "gelu", HIDDEN_ACTIVATIONS);
    const normed = config.boolean("projector_use_layernorm", true);
    const bias = config.boolean("projector_bias", true);
    const connector: ConnectorStep[] = [
      { op: "fold", factor: cell },
      ...(normed ? [{ op: "norm", slot: "connector.norm", eps: CONNECTOR_EPS } as const] : []),
      { op: "linear", slot: "connector.1", width: middle, activation },
      { op: "linear", slot: "connector.2", width: decoder.width, activation: "none" },
    ];
    const folded = encoder.width * cell ** 2;
    return {
      family: "lfm2_vl",
      pictures: readPictures(files, processor, rule),
      encoder,
      connector,
      decoder,
      imageTokenId: config.integer("image_token_id", 396, 0, MAX_TOKEN_ID),
      tensors: [
        ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
        ...(normed ? layerNorm("connector.norm", CONNECTOR_PREFIXES, "layer_norm", folded) : []),
        ...linear("connector.1", CONNECTOR_PREFIXES, [["linear_1", middle]], { cols: folded, bias }),
        ...linear("connector.2", CONNECTOR_PREFIXES, [["linear_2", decoder.width]], { cols: middle, bias }),
        ...decoderTensors(decoder, DECODER_NAMES, tied ? "tied" : "optional", decoderFiles),
      ],
      ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
    } satisfies ModelSpec;
  },
};

/** An encoder whose table of positions is a square of `num_patches`. */
function readTower(given: ConfigFields) {
  given.choice("model_type", "siglip2_vision_model", { siglip2_vision_model: true });
  const count = given.integer("num_patches", 256, 1, MAX_TILE_SIDE ** 2);
  const side = Math.sqrt(count);
  if (!Number.isInteger(side)) throw given.unsupported("num_patches", "the number of patches of a square");
  const patch = given.integer("patch_size", SIGLIP_ENCODER.patchSize, 1, Math.floor(4096 / side));
  const fields = given.with({ ...Object.fromEntries(given.entries()), image_size: side * patch });
  const { imageSize: _, ...tower } = readEncoder(fields, SIGLIP_ENCODER);
  // Another container stores the layer as a convolution.
  if (given.boolean("patch_is_convolution", false)) return tower;
  return { ...tower, patch: { ...tower.patch, channelsLast: true as const } };
}

function readRule(fields: ConfigFields, patch: number, cell: number): TokenRangeTiles {
  fields.integer("encoder_patch_size", patch, patch, patch);
  fields.integer("downsample_factor", cell, cell, cell);
  const maxTokens = fields.integer("max_image_tokens", 256, 1, Math.floor((MAX_TILE_SIDE / cell) ** 2));
  const tile = fields.integer("tile_size", 512, 1, MAX_TILE_SIDE * patch);
  if (tile % (patch * cell) !== 0)
    throw fields.unsupported("tile_size", `a multiple of ${patch * cell}, the pixels of a token's side`);
  const minTiles = fields.integer("min_tiles", 2, 1, MAX_TILES);
  const maxTiles = fields.integer("max_tiles", 10, minTiles, MAX_TILES);
  return {
    patch,
    cell,
    minTokens: fields.integer("min_image_tokens", 64, 1, maxTokens),
    maxTokens,
    tolerance: fields.number("max_pixels_tolerance", 2, 0, 1e6),
    tile,
    minTiles,
    maxTiles: fields.boolean("do_image_splitting", true) ? maxTiles : 1,
    thumbnail: fields.boolean("use_thumbnail", true),
  };
}

function readPictures(files: Descriptions, fields: ConfigFields, rule: TokenRangeTiles): PictureSpec {
  const name = "Lfm2VlImageProcessor";
  fields.choice("image_processor_type", name, { [name]: true, [`${name}Fast`]: true });
  for (const field of ["do_resize", "do_convert_rgb"])
    if (!fields.boolean(field, true)) throw fields.unsupported(field, "true");
  const tagged = files.processor?.boolean("use_image_special_tokens", true) ?? true;
  const tag = (text: string): PictureRun[] => (tagged ? [{ text }] : []);
  return {
    ...readPixelValues(fields, PIXELS),
    resizesLikeTorch: true,
    plan: (width, height, budget) => planTokenRangeTiles(rule, width, height, budget),
    runs(plan, rowsOfView) {
      const { rows, cols } = tileGrid(plan);
      const views = rowsOfView.flatMap((count, view): PictureRun[] => {
        const place = `<|img_row_${Math.floor(view / cols) + 1}_col_${(view % cols) + 1}|>`;
        const name = view < rows * cols ? place : "<|img_thumbnail|>";
        return [...(rows > 0 ? tag(name) : []), { view, rows: count }];
      });
      return [...tag("<|image_start|>"), ...views, ...tag("<|image_end|>")];
    },
    largest: largestPicture(rule),
  };
}

/** A wide picture with the most tiles in one row, whose thumbnail has the most tokens of a view. */
function largestPicture({ maxTiles, maxTokens, patch, cell, tolerance }: TokenRangeTiles) {
  let rows = Math.max(1, Math.floor(Math.sqrt(maxTokens / maxTiles)));
  while (maxTokens % rows !== 0) rows--;
  // Large enough to be cut.
  const scale = patch * cell * (Math.floor(Math.sqrt(tolerance)) + 1);
  return { width: (maxTokens / rows) * scale, height: rows * scale };
}
