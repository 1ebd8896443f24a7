/**
 * Qwen-VL and Qwen-VL-Chat, the first generation: an OpenCLIP encoder, a resampler with learned queries, the first Qwen's
 * decoder; and that decoder alone. Source: the repository's own code, `visual.py`, `modeling_qwen.py`.
 */
import type { EncoderSpec, ModelSpec } from "../spec/model-spec.ts";
import { layerNorm, linear, stack, type TensorSpec, withParts } from "../spec/tensor-spec.ts";
import { type Family, hasModelType } from "./family.ts";
import type { ConfigFields } from "./fields.ts";
import { MAX_TOKEN_ID, readDecoder } from "./parts/decoder-config.ts";
import { decoderTensors, isComputed } from "./parts/decoder-tensors.ts";
import { CLIP_ENCODER, MAX_HEAD_WIDTH, MAX_HEADS, readEncoder } from "./parts/encoder-config.ts";
import { CLIP_NAMES, type EncoderNames, encoderTensors } from "./parts/encoder-tensors.ts";
import { FIRST_QWEN_DECODER, FIRST_QWEN_NAMES } from "./parts/first-qwen.ts";
import { CLIP_CROPS, readSquarePictures } from "./parts/square-pictures.ts";

const VISUAL = ["transformer.visual."];
const POOL = ["transformer.visual.attn_pool."];
/** Epsilon of every LayerNorm. */
const EPS = 1e-6;
/** Width of a head of the resampler. */
const POOL_HEAD_WIDTH = 128;
const MAX_SIDE = 128;
/** Distance from the id of the token before a picture to the id of the picture's token. */
const PAD_AFTER_START = 2;

const NAMES: EncoderNames = {
  ...CLIP_NAMES,
  positions: "positional_embedding",
  patch: "conv1",
  preNorm: "ln_pre",
  blocks: "transformer.resblocks.",
  norm1: "ln_1",
  norm2: "ln_2",
  qkv: "attn.in_proj",
  headRows: true,
  out: "attn.out_proj",
  fc1: "mlp.c_fc",
  fc2: "mlp.c_proj",
};

export const qwen: Family = {
  name: "qwen",
  matches: (files) => hasModelType(files, "qwen"),
  describe({ config }) {
    const { decoder, tied, files } = readDecoder(config, FIRST_QWEN_DECODER);
    const text: ModelSpec = {
      family: "qwen",
      connector: [],
      decoder,
      tensors: decoderTensors(decoder, FIRST_QWEN_NAMES, tied ? "tied" : "own", files),
      ignores: isComputed,
      endTokens: ["<|im_end|>", "<|endoftext|>"],
    };
    const visual = config.object("visual");
    if (!visual) return text;
    const { encoder, imageSize, side } = readTower(visual);
    const width = visual.integer("output_dim", decoder.width, decoder.width, decoder.width);
    const heads = visual.integer("pool_heads", Math.max(1, width / POOL_HEAD_WIDTH), 1, MAX_HEADS);
    if (width % heads !== 0 || width / heads > MAX_HEAD_WIDTH)
      throw visual.unsupported("pool_heads", `a divisor of output_dim ${width}, heads of at most ${MAX_HEAD_WIDTH}`);
    const squash = { ...CLIP_CROPS, always: "squash" as const };
    const places = "connector.places";
    return {
      ...text,
      pictures: {
        ...readSquarePictures(undefined, squash, { encoder, imageSize }),
        runs: (_, [rows]) => [{ text: "<img>" }, { view: 0, rows: rows! }, { text: "</img>" }],
        marks: ["<img></img>"],
      },
      encoder,
      connector: [
        { op: "linear", slot: "connector.features", width, activation: "none" },
        { op: "norm", slot: "connector.featureNorm", eps: EPS },
        {
          op: "queries",
          queries: {
            ...{ slot: "connector", count: side ** 2, width },
            steps: [
              { op: "norm", slot: "connector.queryNorm", eps: EPS },
              {
                ...{ op: "attend", slot: "connector.attention", heads, reads: "features", replaces: true },
                positions: { queries: places, features: places, grid: { rows: side, cols: side } },
              },
            ],
          },
        },
        { op: "norm", slot: "connector.lastNorm", eps: EPS },
        { op: "linear", slot: "connector.projection", width, activation: "none" },
      ],
      imageTokenId: visual.integer("image_start_id", 151857, 0, MAX_TOKEN_ID - PAD_AFTER_START) + PAD_AFTER_START,
      tensors: [
        ...encoderTensors(encoder, NAMES, VISUAL),
        ...connectorTensors(encoder.width, width, side ** 2),
        ...text.tensors,
      ],
    };
  },
};

/** The encoder, and the side of the square of queries, which is also that of its table of positions. */
function readTower(visual: ConfigFields): { encoder: EncoderSpec; imageSize: number; side: number } {
  const width = visual.integer("width", 1664, 1, 1 << 14);
  const { imageSize, ...tower } = readEncoder(
    visual.with({
      ...Object.fromEntries(visual.entries()),
      hidden_size: width,
      num_hidden_layers: visual.value("layers") ?? 48,
      num_attention_heads: visual.value("heads") ?? 16,
      intermediate_size: Math.floor(width * visual.number("mlp_ratio", 4.9231, 0.01, 64)),
    }),
    { ...CLIP_ENCODER, hiddenAct: "gelu", eps: EPS, imageSize: 448, patchSize: 14, classToken: false },
  );
  const side = Math.sqrt(visual.integer("n_queries", 256, 1, MAX_SIDE ** 2));
  if (!Number.isInteger(side)) throw visual.unsupported("n_queries", "a square number");
  const positions = { ...tower.positions, table: { rows: side, cols: side }, cubic: true as const };
  const traits = { runBlocks: tower.blocks, postNorm: false, keepClassToken: false, cell: 1 };
  return { encoder: { ...tower, ...traits, positions }, imageSize, side };
}

function connectorTensors(features: number, width: number, queries: number): TensorSpec[] {
  const norm = (slot: string, source: string, prefixes = POOL) =>
    layerNorm(`connector.${slot}`, prefixes, source, width);
  const table = (slot: string, source: string) =>
    stack(`connector.${slot}`, "table", POOL, [[source, [queries, width]]]);
  const third = (name: string, part: number) => {
    const slice = { first: part * width, of: 3 * width };
    const tensors = [
      stack(`connector.attention.${name}.weight`, "linear", POOL, [["attn.in_proj_weight", [width, width]]]),
      stack(`connector.attention.${name}.bias`, "vector", POOL, [["attn.in_proj_bias", [width]]]),
    ];
    return withParts(tensors, () => ({ slice }));
  };
  const projection = stack("connector.projection.weight", "linear", VISUAL, [["proj", [width, width]]]);
  return [
    ...linear("connector.features", POOL, [["kv_proj", width]], { cols: features, bias: false }),
    ...norm("featureNorm", "ln_kv"),
    ...norm("queryNorm", "ln_q"),
    table("queries", "query"),
    table("places", "pos_embed"),
    ...["query", "key", "value"].flatMap(third),
    ...linear("connector.attention.out", POOL, [["attn.out_proj", width]], { cols: width, bias: true }),
    ...norm("lastNorm", "ln_post", VISUAL),
    ...withParts([projection], () => ({ transposes: [width, width] })),
  ];
}
