/** Encoders of pictures and of texts into one space, together or one of them alone. */
import type { EncoderSpec, ModelSpec, PoolingSpec, TextEncoderSpec } from "../../spec/model-spec.ts";
import type { PictureSpec } from "../../spec/picture-spec.ts";
import { layerNorm, linear, stack, type TensorSpec, vector } from "../../spec/tensor-spec.ts";
import type { ConfigFields } from "../fields.ts";
import { isComputed } from "./decoder-tensors.ts";
import { CLIP_NAMES, encoderTensors, isUnusedInEncoder } from "./encoder-tensors.ts";
import { asHead, textTensors } from "./text-encoder.ts";

/** Prefixes of an image encoder: its name, or none if it is alone. */
const VISION = ["vision_model.", ""];
const TEXT = ["text_model.", ""];
/** Tensors of the other tower, if only one tower of a file is described. */
const VISION_ONLY = /^(vision_model|visual_projection)\./;
const TEXT_ONLY = /^(text_model|text_projection)\./;
const COMPARISON = /^logit_(scale|bias)$/;

export interface PictureTower {
  encoder: EncoderSpec;
  pictures: PictureSpec;
  pooling: PoolingSpec | undefined;
}

export interface TextTower {
  encoder: TextEncoderSpec;
  /** Names of its last linear layer. */
  projection: readonly string[];
}

/** One tower or both. */
export interface Towers {
  family: string;
  picture?: PictureTower;
  text?: TextTower;
  comparison: NonNullable<ModelSpec["comparison"]>;
}

/** Throws FoveaError `unsupported-model` unless the named classes are among these; none need be named. */
export function checkArchitectures(fields: ConfigFields, known: readonly string[]): string | undefined {
  const named = fields.strings("architectures");
  if (!named.every((name) => known.includes(name))) throw fields.unsupported("architectures", known.join(" or "));
  return named[0];
}

/** The spec of one or two towers; `comparison` only counts for both. */
export function describeTowers({ family, picture, text, comparison }: Towers): ModelSpec {
  const isPair = picture !== undefined && text !== undefined;
  return {
    family,
    ...(picture && { pictures: picture.pictures, encoder: picture.encoder }),
    connector: [],
    ...(picture?.pooling && { pooling: picture.pooling }),
    ...(text && { textEncoder: text.encoder }),
    ...(isPair && { comparison }),
    tensors: [
      ...(picture ? pictureTensors(picture) : []),
      ...(text ? textTensors(text.encoder, CLIP_NAMES, TEXT, text.projection) : []),
      ...(isPair ? comparisonTensors(comparison.bias) : []),
    ],
    ignores: (name) =>
      isComputed(name) ||
      (picture !== undefined && isUnusedInEncoder(picture.encoder, CLIP_NAMES, VISION, name)) ||
      (!picture && VISION_ONLY.test(name)) ||
      (!text && TEXT_ONLY.test(name)) ||
      (!isPair && COMPARISON.test(name)) ||
      // A file may have a projection that its class does not use.
      name === "visual_projection.weight" ||
      name === "text_projection.weight",
  };
}

function pictureTensors({ encoder, pooling }: PictureTower): TensorSpec[] {
  return [...encoderTensors(encoder, CLIP_NAMES, VISION), ...(pooling ? poolingTensors(encoder, pooling) : [])];
}

function poolingTensors({ width, mlp }: EncoderSpec, { kind, projects, width: embedded }: PoolingSpec): TensorSpec[] {
  const projection = projects
    ? asHead(linear("pool.projection", [""], [["visual_projection", embedded]], { cols: width, bias: false }))
    : [];
  if (kind === "class") return [...layerNorm("pool.norm", VISION, CLIP_NAMES.postNorm, width), ...projection];
  const head = VISION.map((prefix) => `${prefix}head.`);
  const layer = (name: string, source: string, rows: number, cols: number) =>
    linear(`pool.${name}`, head, [[source, rows]], { cols, bias: true });
  return [
    stack("pool.probe", "table", head, [["probe", [1, width]]]),
    stack("pool.qkv.weight", "linear", head, [["attention.in_proj_weight", [3 * width, width]]]),
    vector("pool.qkv.bias", head, "attention.in_proj_bias", 3 * width),
    ...layer("out", "attention.out_proj", width, width),
    ...layerNorm("pool.norm", head, "layernorm", width),
    ...layer("fc1", "mlp.fc1", mlp.width, width),
    ...layer("fc2", "mlp.fc2", width, mlp.width),
    ...projection,
  ];
}

function comparisonTensors(hasBias: boolean): TensorSpec[] {
  return [
    vector("compare.scale", [""], "logit_scale", 1),
    ...(hasBias ? [vector("compare.bias", [""], "logit_bias", 1)] : []),
  ];
}
