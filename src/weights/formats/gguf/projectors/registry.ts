/**
 * The projectors of GGUF vision files that are read, by the name that a file has for its own. A new one is a file of this
 * folder and a line here. Facts: convert_hf_to_gguf.py, tensor_mapping.py and clip.cpp of llama.cpp.
 */
import { gemma3 } from "./gemma3.ts";
import { idefics3 } from "./idefics3.ts";
import { internvl } from "./internvl.ts";
import { lfm2 } from "./lfm2.ts";
import { pixtral } from "./pixtral.ts";
import type { Projector } from "./projector.ts";
import { merger2, merger3, merger25 } from "./qwen-merger.ts";
import { twoLayers } from "./two-layers.ts";

export const PROJECTORS: Readonly<Record<string, Projector>> = {
  mlp: twoLayers,
  idefics3,
  internvl,
  lfm2,
  gemma3,
  pixtral,
  qwen2vl_merger: merger2,
  "qwen2.5vl_merger": merger25,
  qwen3vl_merger: merger3,
};
