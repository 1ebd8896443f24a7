/**
 * Idefics3, SmolVLM, SmolVLM2, SmolDocling and Granite-Docling: a SigLIP encoder over tiles, pixel shuffle and one linear
 * layer, a Llama decoder. The two model types differ in class names only. Source: transformers, `modeling_idefics3.py`,
 * `modeling_smolvlm.py` and their image processors.
 */

import type { VideoRule } from "../shared/video.ts";
import type { ConnectorStep, EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import type { PictureSpec } from "../spec/picture-spec.ts";
import { linear } from "../spec/tensor-spec.ts";
import { type Descriptions, type Family, hasModelType, imageProcessor } from "./family.ts";
import { ConfigFields } from "./fields.ts";
import { LLAMA_DECODER, MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { readEncoder, SIGLIP_ENCODER } from "./parts/encoder-config.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./parts/encoder-tensors.ts";
import { planLongestEdgeTiles, tileGrid } from "./parts/longest-edge-tiles.ts";
import { type TileTags, tileRuns } from "./parts/tile-tags.ts";
import { clock, numberInWords } from "./parts/video-words.ts";

/** Idefics3VisionConfig. */
const ENCODER = { ...SIGLIP_ENCODER, width: 1152, heads: 16, patchSize: 32 };

// With the level of the task's class, and without it.
const ENCODER_PREFIXES = ["model.vision_model.", "vision_model."];
const CONNECTOR_NAMES = ["model.connector.modality_projection.proj", "connector.modality_projection.proj"];
const DECODER_NAMES = {
  prefixes: ["model.text_model.", "text_model.", "language_model."],
  head: ["lm_head.weight", "language_model.lm_head.weight"],
};

const TAGS: TileTags = {
  fakeToken: "<fake_token_around_image>",
  globalTag: "<global-img>",
  tileTag: (row, col) => `<row_${row}_col_${col}>`,
};

const HALF = [0.5, 0.5, 0.5] as const;
const MAX_EDGE = 4096;
// Of Idefics3ImageProcessor, where its file is silent.
const TILE = 364;
const LONGEST_EDGE = 4 * TILE;
/** Tiles in a row at most; published models have 4. */
const MAX_TILES_IN_ROW = 16;

export const idefics3: Family = {
  name: "idefics3",
  matches: (files) => hasModelType(files, "idefics3"),
  describe: (files) => describe("idefics3", files),
};

export const smolvlm: Family = {
  name: "smolvlm",
  matches: (files) => hasModelType(files, "smolvlm"),
  describe: (files) => describe("smolvlm", files),
};

function describe(family: string, files: Descriptions): ModelSpec {
  const { config } = files;
  const { imageSize, ...square } = readEncoder(config.objectOrEmpty("vision_config"), ENCODER);
  const cell = config.integer("scale_factor", 2, 1, square.positions.grid.rows);
  if (square.positions.grid.rows % cell !== 0)
    throw config.unsupported("scale_factor", `a divisor of the ${square.positions.grid.rows} patches of a tile's side`);
  const encoder: EncoderSpec = { ...square, runBlocks: square.blocks, postNorm: true, keepClassToken: false, cell };
  const text = config.objectOrEmpty("text_config");
  const {
    decoder,
    tied,
    files: decoderFiles,
  } = readDecoder(text, text.choice("model_type", "llama", { llama: LLAMA_DECODER }));
  const isTied = tied || config.boolean("tie_word_embeddings", false);
  const connector: ConnectorStep[] = [
    { op: "fold", factor: cell },
    { op: "linear", slot: "connector.1", width: decoder.width, activation: "none" },
  ];
  return {
    family,
    pictures: readPictures(files, encoder, imageSize),
    encoder,
    connector,
    decoder,
    imageTokenId: config.integer("image_token_id", 128257, 0, MAX_TOKEN_ID),
    tensors: [
      ...encoderTensors(encoder, CLIP_NAMES, ENCODER_PREFIXES),
      ...linear("connector.1", CONNECTOR_NAMES, [["", decoder.width]], {
        cols: encoder.width * cell ** 2,
        bias: false,
      }),
      // Some files leave a tied head out without saying so.
      ...decoderTensors(decoder, DECODER_NAMES, isTied ? "tied" : "optional", decoderFiles),
    ],
    ignores: (name) => isComputed(name) || isUnusedInEncoder(encoder, CLIP_NAMES, ENCODER_PREFIXES, name),
  };
}

/** Reads the settings of the image processor; without any, tiles have the size that the encoder reads. */
function readPictures(files: Omit<Descriptions, "config">, encoder: EncoderSpec, imageSize: number): PictureSpec {
  const { grid } = encoder.positions;
  const settings = imageProcessor(files);
  const fields = settings ?? ConfigFields.of({}, "preprocessor_config.json");
  for (const name of ["do_resize", "do_convert_rgb"])
    if (!fields.boolean(name, true)) throw fields.unsupported(name, "true");
  fields.choice("image_processor_type", "Idefics3ImageProcessor", {
    Idefics3ImageProcessor: true,
    Idefics3ImageProcessorFast: true,
    Idefics3ImageProcessorPil: true,
    SmolVLMImageProcessor: true,
    SmolVLMImageProcessorFast: true,
    SmolVLMImageProcessorPil: true,
  });
  // Pillow's number of the Lanczos filter.
  fields.integer("resample", 1, 1, 1);
  const tile = readEdge(fields, "max_image_size", settings ? TILE : imageSize);
  if (tile !== imageSize)
    throw fields.unsupported(
      "max_image_size",
      `{ longest_edge: ${imageSize} }, the side that config.json's encoder reads; a missing one means ${TILE}`,
    );
  const longestEdge = readEdge(fields, "size", settings ? LONGEST_EDGE : Math.min(4 * imageSize, MAX_EDGE));
  if (longestEdge > MAX_TILES_IN_ROW * tile)
    throw fields.unsupported("size", `a longest_edge of at most ${MAX_TILES_IN_ROW} tiles of ${tile}`);
  checkSequenceLength(files, encoder);
  const splits = fields.boolean("do_image_splitting", true);
  const rule = { longestEdge, tile, grid, splits };
  const rescales = fields.boolean("do_rescale", true);
  const normalizes = fields.boolean("do_normalize", true);
  return {
    filter: "lanczos",
    mean: normalizes ? fields.triple("image_mean", HALF, -1e6) : [0, 0, 0],
    std: normalizes ? fields.triple("image_std", HALF, 1e-6) : [1, 1, 1],
    rescale: rescales ? fields.number("rescale_factor", 1 / 255, 1e-9, 1e3) : 1,
    plan: (width, height, budget) => planLongestEdgeTiles(rule, width, height, budget),
    runs: (plan, rowsOfView) => {
      const { rows, cols } = tileGrid(plan);
      return tileRuns(rows, cols, rowsOfView, TAGS);
    },
    largest: { width: longestEdge, height: longestEdge },
    video: readVideoRule(fields.objectOrEmpty("video_sampling")),
  };
}

/** Pictures of a video are not split. The words are those of `processing_smolvlm.py`. */
function readVideoRule(sampling: ConfigFields): VideoRule {
  return {
    framesPerSecond: sampling.number("fps", 1, 1e-3, 60),
    maxFrames: sampling.integer("max_frames", 64, 1, 64),
    budget: () => ({ maxTiles: 1 }),
    intro: (frames, seconds) =>
      `You are provided the following series of ${numberInWords(frames)} frames from a ${clock(seconds, 3)} [H:MM:SS] video.\n`,
    stamp: (_, seconds) => `\nFrame from ${clock(seconds, 2)}:`,
    outro: "\n\n",
  };
}

/** `{ longest_edge }` of a field; other forms of a size mean another resize. */
function readEdge(fields: ConfigFields, name: string, fallback: number): number {
  const sides = fields.object(name);
  if (!sides) return fallback;
  if (!sides.has("longest_edge")) throw fields.unsupported(name, "{ longest_edge }");
  return sides.integer("longest_edge", fallback, 1, MAX_EDGE);
}

/** The processor writes so many placeholders for a tile; it must be as many as the connector makes rows. */
function checkSequenceLength({ processor }: Pick<Descriptions, "processor">, { positions, cell }: EncoderSpec): void {
  const cells = (positions.grid.rows / cell) * (positions.grid.cols / cell);
  if (processor?.has("image_seq_len")) processor.integer("image_seq_len", cells, cells, cells);
}
