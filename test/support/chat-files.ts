/** A LLaVA checkpoint that can be chatted with: a golden one, whose folder has no tokenizer, with a tokenizer of bytes. */

import type { ModelFiles } from "../../src/api.ts";
import { byteCharacters } from "./byte-characters.ts";
import { sharedBytes } from "./shared.ts";

const SPECIAL = { "<unk>": 0, "<s>": 1, "</s>": 2 };
/** Ids of the bytes follow the special ones. */
export const FIRST_BYTE = 3;

function byteTokenizer(imageId: number): object {
  const bytes = byteCharacters().map((character, byte) => [character, byte + FIRST_BYTE] as const);
  const added = [...Object.entries(SPECIAL), ["<image>", imageId] as const];
  return {
    version: "1.0",
    added_tokens: added.map(([content, id]) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", vocab: { ...SPECIAL, ...Object.fromEntries(bytes) }, merges: [], unk_token: "<unk>" },
  };
}

/** The paper's settings, which questions that say nothing else are asked under. */
export const CHAT_DEFAULTS = { compression: { method: "vmtc", ratio: 0.5 }, inhibition: { maxRatio: 0.6 } } as const;

/** Files of golden/clip-llama-f32, the tokenizer and the defaults; its weights are random, so its answers mean nothing. */
export async function chatFiles(): Promise<ModelFiles> {
  const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  return {
    "config.json": await sharedBytes("golden/clip-llama-f32/config.json"),
    "model.safetensors": await sharedBytes("golden/clip-llama-f32/model.safetensors"),
    "tokenizer.json": text(byteTokenizer(319)),
    "tokenizer_config.json": text({ bos_token: "<s>", eos_token: "</s>" }),
    "fovea.json": text({ defaults: CHAT_DEFAULTS }),
  };
}
