/**
 * Names and shapes of the tensors in published checkpoints, written down from the files and not from the code under
 * test; sizes are given by hand. Builds maps of header entries, as if read from one file.
 */
import type { TensorEntry } from "../../src/weights/safetensors.ts";

type Shapes = Map<string, number[]>;

export interface ClipSizes {
  width: number;
  mlp: number;
  blocks: number;
  patch: number;
  /** Rows of the position table, class token included. */
  positions: number;
  siglip?: boolean;
}

export interface DecoderSizes {
  width: number;
  mlp: number;
  layers: number;
  vocabulary: number;
  /** Rows of the query and of the key projection. */
  query: number;
  key: number;
  qkvBias?: boolean;
  tied?: boolean;
}

function linear(shapes: Shapes, name: string, rows: number, cols: number, bias = true): void {
  shapes.set(`${name}.weight`, [rows, cols]);
  if (bias) shapes.set(`${name}.bias`, [rows]);
}

function norm(shapes: Shapes, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}

/** A CLIP or SigLIP encoder under `at`. */
function encoder(shapes: Shapes, at: string, { width, mlp, blocks, patch, positions, siglip }: ClipSizes): void {
  if (!siglip) shapes.set(`${at}embeddings.class_embedding`, [width]);
  shapes.set(`${at}embeddings.patch_embedding.weight`, [width, 3, patch, patch]);
  if (siglip) shapes.set(`${at}embeddings.patch_embedding.bias`, [width]);
  shapes.set(`${at}embeddings.position_embedding.weight`, [positions, width]);
  if (!siglip) norm(shapes, `${at}pre_layrnorm`, width);
  for (let i = 0; i < blocks; i++) {
    const block = `${at}encoder.layers.${i}.`;
    for (const name of ["k_proj", "v_proj", "q_proj", "out_proj"])
      linear(shapes, `${block}self_attn.${name}`, width, width);
    norm(shapes, `${block}layer_norm1`, width);
    linear(shapes, `${block}mlp.fc1`, mlp, width);
    linear(shapes, `${block}mlp.fc2`, width, mlp);
    norm(shapes, `${block}layer_norm2`, width);
  }
  norm(shapes, `${at}post_layernorm`, width);
}

/** A Llama or Qwen2 decoder under `at`, its head under `headAt`. */
function decoder(shapes: Shapes, at: string, headAt: string, sizes: DecoderSizes): void {
  const { width, mlp, layers, vocabulary, query, key, qkvBias = false, tied } = sizes;
  shapes.set(`${at}embed_tokens.weight`, [vocabulary, width]);
  for (let i = 0; i < layers; i++) {
    const layer = `${at}layers.${i}.`;
    linear(shapes, `${layer}self_attn.q_proj`, query, width, qkvBias);
    linear(shapes, `${layer}self_attn.k_proj`, key, width, qkvBias);
    linear(shapes, `${layer}self_attn.v_proj`, key, width, qkvBias);
    linear(shapes, `${layer}self_attn.o_proj`, width, query, false);
    linear(shapes, `${layer}mlp.gate_proj`, mlp, width, false);
    linear(shapes, `${layer}mlp.up_proj`, mlp, width, false);
    linear(shapes, `${layer}mlp.down_proj`, width, mlp, false);
    shapes.set(`${layer}input_layernorm.weight`, [width]);
    shapes.set(`${layer}post_attention_layernorm.weight`, [width]);
  }
  shapes.set(`${at}norm.weight`, [width]);
  if (!tied) shapes.set(`${headAt}lm_head.weight`, [vocabulary, width]);
}

/** A llava-hf checkpoint, by its names on the hub. */
export function llavaShapes(vision: ClipSizes, text: DecoderSizes): Shapes {
  const shapes: Shapes = new Map();
  encoder(shapes, "vision_tower.vision_model.", vision);
  linear(shapes, "multi_modal_projector.linear_1", text.width, vision.width);
  linear(shapes, "multi_modal_projector.linear_2", text.width, text.width);
  decoder(shapes, "language_model.model.", "language_model.", text);
  return shapes;
}

/** A LlamaForCausalLM or Qwen2ForCausalLM. */
export function textShapes(sizes: DecoderSizes): Shapes {
  const shapes: Shapes = new Map();
  decoder(shapes, "model.", "", sizes);
  return shapes;
}

/** Of what llavaShapes makes: the same tensor's name in each of the other layouts. */
export const LAYOUTS: Record<string, (name: string) => string> = {
  "on the hub": (name) => name,
  "transformers v5": (name) =>
    name
      .replace(/^language_model\.model\./, "model.language_model.")
      .replace(/^language_model\.lm_head/, "lm_head")
      .replace(/^(multi_modal_projector|vision_tower)/, "model.$1"),
  "original LLaVA": (name) =>
    name
      .replace(/^language_model\.(model|lm_head)/, "$1")
      .replace("multi_modal_projector.linear_1", "model.mm_projector.0")
      .replace("multi_modal_projector.linear_2", "model.mm_projector.2")
      .replace("vision_tower", "model.vision_tower.vision_tower"),
};

/** Header entries of these tensors; bytes are counted from 0, as if there were no header. */
export function entries(
  shapes: Iterable<[string, number[]]>,
  rename = (name: string) => name,
): Map<string, TensorEntry> {
  const tensors = new Map<string, TensorEntry>();
  let start = 0;
  for (const [hubName, shape] of shapes) {
    const end = start + 2 * shape.reduce((product, dimension) => product * dimension, 1);
    const name = rename(hubName);
    tensors.set(name, { name, dtype: "F16", shape, file: "model.safetensors", start, end });
    start = end;
  }
  return tensors;
}

/** Number of weights. */
export function parameters(shapes: Shapes): number {
  let count = 0;
  for (const shape of shapes.values()) count += shape.reduce((product, dimension) => product * dimension, 1);
  return count;
}
