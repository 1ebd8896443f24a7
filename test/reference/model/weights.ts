/** A safetensors reader for trusted test files: everything becomes f64 under one canonical name. Checks nothing. */
import { bf16ToNumber, f16ToNumber } from "../weight-unpack.ts";

export interface Tensor {
  shape: number[];
  data: Float64Array;
}

export type Weights = Map<string, Tensor>;

function readElement(view: DataView, dtype: string, offset: number): number {
  switch (dtype) {
    case "F32":
      return view.getFloat32(offset, true);
    case "F16":
      return f16ToNumber(view.getUint16(offset, true));
    case "BF16":
      return bf16ToNumber(view.getUint16(offset, true));
    case "I32":
      return view.getInt32(offset, true);
    case "I64":
      return Number(view.getBigInt64(offset, true));
    case "U8":
      return view.getUint8(offset);
    default:
      throw new TypeError(`dtype ${dtype} is not known to the reference`);
  }
}

/** The tensors of one file under their own names. */
export function readSafetensors(file: Uint8Array): Weights {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerLength))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors: Weights = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    const elementBytes = count === 0 ? 0 : (data_offsets[1] - data_offsets[0]) / count;
    const data = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      data[i] = readElement(view, dtype, 8 + headerLength + data_offsets[0] + i * elementBytes);
    }
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** Old and new LLaVA names, SmolVLM, plain Llama and Qwen2, and ViT, rewritten to `text.*`, `projector.*`, `vision.*`, `head.*`. */
const RENAMES: [RegExp, string][] = [
  [/^(language_model\.)?lm_head\./, "head."],
  [/^classifier\./, "classifier."],
  [/^(model\.)?multi_modal_projector\./, "projector."],
  [/^(model\.)?vision_tower\.(vision_model\.)?/, "vision."],
  [/^model\.vision_model\./, "vision."],
  [/^model\.connector\./, "connector."],
  [/^(language_model\.model|model\.language_model|model)\./, "text."],
  [/^vit\.embeddings\.cls_token$/, "vision.embeddings.class_embedding"],
  [/^vit\.embeddings\.position_embeddings$/, "vision.embeddings.position_embedding.weight"],
  [/^vit\.embeddings\.patch_embeddings\.projection\./, "vision.embeddings.patch_embedding."],
  [/^vit\.layernorm\./, "vision.post_layernorm."],
  [/^vit\.encoder\.layer\./, "vision.encoder.layers."],
  [/\.attention\.attention\.(query|key|value)\./, ".self_attn.$1."],
  [/\.self_attn\.query\./, ".self_attn.q_proj."],
  [/\.self_attn\.key\./, ".self_attn.k_proj."],
  [/\.self_attn\.value\./, ".self_attn.v_proj."],
  [/\.attention\.output\.dense\./, ".self_attn.out_proj."],
  [/\.intermediate\.dense\./, ".mlp.fc1."],
  [/\.output\.dense\./, ".mlp.fc2."],
  [/\.layernorm_before\./, ".layer_norm1."],
  [/\.layernorm_after\./, ".layer_norm2."],
];

export function canonicalName(name: string): string {
  return RENAMES.reduce((renamed, [pattern, replacement]) => renamed.replace(pattern, replacement), name);
}

/** All tensors of a checkpoint's files (one, or all shards) under canonical names. */
export function readCheckpoint(files: readonly Uint8Array[]): Weights {
  const weights: Weights = new Map();
  for (const file of files) {
    for (const [name, tensor] of readSafetensors(file)) weights.set(canonicalName(name), tensor);
  }
  return weights;
}

/** The data of a tensor that must be there. */
export function tensorData(weights: Weights, name: string): Float64Array {
  const tensor = weights.get(name);
  if (!tensor) throw new Error(`no tensor ${name} among ${weights.size}`);
  return tensor.data;
}
