/**
 * Describes the vision-language model that a GGUF vision file ("mmproj") makes with the language file beside it. Gives
 * its small JSON files, and tensors under the names of its family. Pure.
 */
import { quoted } from "../../../shared/json.ts";
import type { GgufHeader, GgufTensor } from "./container.ts";
import { unsupportedGguf } from "./header-reader.ts";
import { Keys } from "./keys.ts";
import { type NamedTensor, rowsOf, whole } from "./language.ts";
import type { ProjectorInput, ProjectorLayout } from "./projectors/projector.ts";
import { PROJECTORS } from "./projectors/registry.ts";
import { BARE } from "./tower-names.ts";

/** Architecture of vision files. */
export const VISION_ARCHITECTURE = "clip";

/** The small JSON files of a vision-language model. */
export interface VisionDescription {
  config: Record<string, unknown>;
  preprocessor: Record<string, unknown>;
  layout: ProjectorLayout;
  /** Of the tower. */
  heads: number;
}

/**
 * The model, or in words why the two files are of different models.
 *
 * @param text config.json of the language file
 * @param language keys of its architecture
 * @throws FoveaError `bad-weights` with the key; `unsupported-model` for a projector that is not read
 */
export function describeVision(
  header: GgufHeader,
  text: Readonly<Record<string, unknown>>,
  language: Keys,
  tokenId: (text: string) => number | undefined,
): VisionDescription | string {
  const { file, metadata, tensors } = header;
  const clip = new Keys(metadata, VISION_ARCHITECTURE);
  const type = clip.string("projector_type") ?? clip.string("vision.projector_type");
  if (type === undefined || !Object.hasOwn(PROJECTORS, type))
    throw unsupportedGguf(
      file,
      `clip.projector_type is ${type === undefined ? "missing" : quoted(type)}; supported are ${Object.keys(PROJECTORS).join(", ")}`,
    );
  if (clip.boolean("has_vision_encoder") === false)
    throw unsupportedGguf(file, "clip.has_vision_encoder is false: it holds no image encoder");
  const projector = PROJECTORS[type]!;
  const input: ProjectorInput = { clip, tensors, vision: towerFields(clip, tensors), text, language, tokenId };
  const layout = projector.layout(input);
  const misfit = widthMisfit(tensors, layout, text.hidden_size as number);
  if (misfit !== undefined) return misfit;
  const config = projector.config(input);
  return {
    config: { ...config, bos_token_id: text.bos_token_id, eos_token_id: text.eos_token_id },
    preprocessor: { ...projector.preprocessor(input), ...pixels(clip) },
    layout,
    heads: input.vision.num_attention_heads as number,
  };
}

function towerFields(clip: Keys, tensors: GgufHeader["tensors"]): Record<string, unknown> {
  const activation = clip.boolean("use_silu") ? "silu" : clip.boolean("use_gelu") ? "gelu_pytorch_tanh" : "quick_gelu";
  const width = clip.neededSize("vision.embedding_length");
  return {
    hidden_size: width,
    intermediate_size: mlpWidth(tensors, width) ?? clip.neededSize("vision.feed_forward_length"),
    num_hidden_layers: clip.neededSize("vision.block_count"),
    num_attention_heads: clip.neededSize("vision.attention.head_count"),
    image_size: clip.neededSize("vision.image_size"),
    patch_size: clip.neededSize("vision.patch_size"),
    layer_norm_eps: clip.number("vision.attention.layer_norm_epsilon"),
    hidden_act: activation,
  };
}

/** By the matrices, because some converters write another number, or 0, as the length. */
function mlpWidth(tensors: GgufHeader["tensors"], width: number): number | undefined {
  const { shape } = tensors.get("v.blk.0.ffn_up.weight") ?? {};
  if (shape?.length !== 2) return undefined;
  return shape.find((size) => size !== width) ?? width;
}

function pixels(clip: Keys): Record<string, unknown> {
  const triple = (name: string) => {
    const values = clip.metadata.numbers(clip.name(`vision.${name}`));
    return values && { [name]: [...values] };
  };
  return { ...triple("image_mean"), ...triple("image_std") };
}

/** The last matrix of the projector makes rows of the decoder's width. `projection_dim` may be another model's value. */
function widthMisfit(
  tensors: GgufHeader["tensors"],
  { last: [name, dimension] }: ProjectorLayout,
  width: number,
): string | undefined {
  const own = tensors.get(name)?.shape[dimension];
  return own === undefined || own === width
    ? undefined
    : `tensor ${quoted(name)} makes rows of ${own}, the language file reads rows of ${width}: the two files are of different models`;
}

type Unnamed = Omit<NamedTensor, "name">;

/** A second frame of the patches' convolution, for models that read videos. */
const SECOND_FRAME = "v.patch_embd.weight.1";

/**
 * The tensors under the names of the family, and the names of those that nothing reads.
 *
 * @param heads of the tower
 */
export function nameVisionTensors(
  { tensors }: GgufHeader,
  layout: ProjectorLayout,
  heads: number,
): { named: NamedTensor[]; unread: string[] } {
  const { tower, towerPrefix, names, offsets, permuted, repeated } = layout;
  const named: NamedTensor[] = [];
  const unread: string[] = [];
  const add = (name: string, end: string, own: Unnamed) => {
    const offset = offsets?.[own.tensor.name];
    named.push({
      ...own,
      // Files store them with or without an ending.
      name: BARE.test(`.${name}`) ? name : `${name}${end}`,
      ...(offset !== undefined && { offset }),
    });
  };
  const addToBlock = (below: string, base: string, end: string, own: Unnamed) => {
    const isTurned = permuted && (base === "attn_q" || base === "attn_k");
    add(below + tower.blockNames[base]!, end, isTurned ? { ...own, interleavedHeads: heads } : own);
  };
  for (const tensor of tensors.values()) {
    const [, block, base = "", end = ""] = /^(?:v\.blk\.(\d+)\.)?(.+?)(\.weight|\.bias)?$/.exec(tensor.name) ?? [];
    const below = `${towerPrefix}${tower.blocks}${block}.`;
    const { name: _, ...own } = whole("", tensor);
    if (block === undefined) {
      if (Object.hasOwn(names, base)) add(names[base]!, end, own);
      else if (Object.hasOwn(tower.names, base))
        add(towerPrefix + tower.names[base]!, end, withFrame(own, tensors.get(SECOND_FRAME)));
      else if (tensor.name !== SECOND_FRAME && !repeated?.includes(tensor.name)) unread.push(tensor.name);
    } else if (base === "attn_qkv") {
      const third = Math.floor(tensor.shape[0]! / 3);
      for (const [i, part] of ["attn_q", "attn_k", "attn_v"].entries())
        addToBlock(below, part, end, rowsOf(tensor, i * third, third, ""));
    } else {
      const part = isSwapped(tensors, block) ? (SWAPPED[base] ?? base) : base;
      if (Object.hasOwn(tower.blockNames, part)) addToBlock(below, part, end, own);
      else unread.push(tensor.name);
    }
  }
  return { named, unread };
}

/** The convolution of the first frame [out, 3, p, p] with that of the second: [out, 3, 2, p, p]. */
function withFrame(own: Unnamed, frame: GgufTensor | undefined): Unnamed {
  if (!frame || `${own.tensor.name}.1` !== frame.name) return own;
  const [out = 0, channels = 0, ...sides] = own.shape;
  return { ...own, frame, shape: [out, channels, 2, ...sides] };
}

const SWAPPED: Readonly<Record<string, string>> = { ffn_up: "ffn_down", ffn_down: "ffn_up" };

/**
 * True if the two matrices of a block's MLP have each other's names, as old conversions write them: told by their
 * shapes.
 */
function isSwapped(tensors: ReadonlyMap<string, GgufTensor>, block: string): boolean {
  const up = tensors.get(`v.blk.${block}.ffn_up.weight`)?.shape;
  const width = tensors.get(`v.blk.${block}.ln1.weight`)?.shape.at(-1);
  return up !== undefined && up[0] === width && up[1] !== width;
}
