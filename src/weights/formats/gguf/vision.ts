/**
 * From the header of a GGUF vision file ("mmproj") and the config of the language file beside it to the small JSON files of
 * a vision-language model, and to tensors under the names of its family. Pure.
 */
import { quoted } from "../../../shared/json.ts";
import type { GgufHeader, GgufTensor } from "./container.ts";
import { unsupportedGguf } from "./header-reader.ts";
import { Keys } from "./keys.ts";
import { type NamedTensor, rowsOf, whole } from "./language.ts";
import { PROJECTORS, type Projector, type ProjectorInput } from "./projectors.ts";
import { BARE } from "./tower-names.ts";

/** Architecture of vision files. */
export const VISION_ARCHITECTURE = "clip";

/** The small JSON files of a vision-language model. */
export interface VisionDescription {
  config: Record<string, unknown>;
  preprocessor: Record<string, unknown>;
  projector: Projector;
}

/**
 * @param text config.json of the language file
 * @throws FoveaError `bad-weights` with the key; `unsupported-model` for a projector that is not read
 */
export function describeVision(
  header: GgufHeader,
  text: Readonly<Record<string, unknown>>,
  tokenId: (text: string) => number | undefined,
): VisionDescription {
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
  const input: ProjectorInput = { clip, tensors, vision: towerFields(clip), text, tokenId };
  const config = projector.config(input);
  checkWidth(header, text.hidden_size as number);
  return {
    config: { ...config, bos_token_id: text.bos_token_id, eos_token_id: text.eos_token_id },
    preprocessor: { ...projector.preprocessor(input), ...pixels(clip) },
    projector,
  };
}

function towerFields(clip: Keys): Record<string, unknown> {
  const activation = clip.boolean("use_silu") ? "silu" : clip.boolean("use_gelu") ? "gelu_pytorch_tanh" : "quick_gelu";
  return {
    hidden_size: clip.neededSize("vision.embedding_length"),
    intermediate_size: clip.neededSize("vision.feed_forward_length"),
    num_hidden_layers: clip.neededSize("vision.block_count"),
    num_attention_heads: clip.neededSize("vision.attention.head_count"),
    image_size: clip.neededSize("vision.image_size"),
    patch_size: clip.neededSize("vision.patch_size"),
    layer_norm_eps: clip.number("vision.attention.layer_norm_epsilon"),
    hidden_act: activation,
  };
}

function pixels(clip: Keys): Record<string, unknown> {
  const triple = (name: string) => {
    const values = clip.metadata.numbers(clip.name(`vision.${name}`));
    return values && { [name]: [...values] };
  };
  return { ...triple("image_mean"), ...triple("image_std") };
}

/** The last matrix of the projector makes rows of the decoder's width. `projection_dim` may be another model's value. */
function checkWidth({ metadata, tensors }: GgufHeader, width: number): void {
  const last = [...tensors.values()]
    .filter(({ name, shape }) => /^mm\..*weight$/.test(name) && shape.length === 2)
    .at(-1);
  if (last && last.shape[0] !== width)
    throw metadata.bad(
      `tensor ${quoted(last.name)} makes rows of ${last.shape[0]}, the language file reads rows of ${width}: the two files are of different models`,
    );
}

/** The tensors under the names of the family, and the names of those that nothing reads. */
export function nameVisionTensors(
  { tensors }: GgufHeader,
  projector: Projector,
): { named: NamedTensor[]; unread: string[] } {
  const { tower, towerPrefix, names } = projector;
  const named: NamedTensor[] = [];
  const unread: string[] = [];
  const add = (name: string, end: string, tensor: GgufTensor) => {
    // Files store them with or without an ending.
    named.push(whole(BARE.test(`.${name}`) ? name : `${name}${end}`, tensor));
  };
  for (const tensor of tensors.values()) {
    const [, block, base = "", end = ""] = /^(?:v\.blk\.(\d+)\.)?(.+?)(\.weight|\.bias)?$/.exec(tensor.name) ?? [];
    const below = `${towerPrefix}${tower.blocks}${block}.`;
    if (block === undefined) {
      if (Object.hasOwn(names, base)) add(names[base]!, end, tensor);
      else if (Object.hasOwn(tower.names, base)) add(towerPrefix + tower.names[base]!, end, tensor);
      else unread.push(tensor.name);
    } else if (base === "attn_qkv") {
      const third = Math.floor(tensor.shape[0]! / 3);
      for (const [i, part] of ["attn_q", "attn_k", "attn_v"].entries())
        named.push(rowsOf(tensor, i * third, third, `${below}${tower.blockNames[part]}${end}`));
    } else {
      const part = isSwapped(tensors, block) ? (SWAPPED[base] ?? base) : base;
      if (Object.hasOwn(tower.blockNames, part)) add(below + tower.blockNames[part]!, end, tensor);
      else unread.push(tensor.name);
    }
  }
  return { named, unread };
}

const SWAPPED: Readonly<Record<string, string>> = { ffn_up: "ffn_down", ffn_down: "ffn_up" };

/** Whether the two matrices of a block's MLP have each other's names, as old conversions write them: told by their shapes. */
function isSwapped(tensors: ReadonlyMap<string, GgufTensor>, block: string): boolean {
  const up = tensors.get(`v.blk.${block}.ffn_up.weight`)?.shape;
  const width = tensors.get(`v.blk.${block}.ln1.weight`)?.shape.at(-1);
  return up !== undefined && up[0] === width && up[1] !== width;
}
