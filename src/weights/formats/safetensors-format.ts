/** Hugging Face's layout: config.json beside safetensors files. checkpoint.ts reads their headers. */
import { openCheckpoint } from "../checkpoint.ts";
import { INDEX_FILE, SINGLE_FILE } from "../safetensors.ts";
import type { WeightFormat } from "./format.ts";

const ENDING = ".safetensors";

export const safetensorsFormat: WeightFormat = {
  name: "safetensors",
  isWeightFile: (name) => name.endsWith(ENDING) || name === INDEX_FILE,
  pick(names, choice) {
    if (choice !== undefined && !choice.endsWith(ENDING)) return undefined;
    // Other weight files repeat the weights in another format. Shards have numbers in their names.
    if (names.includes(SINGLE_FILE)) return [SINGLE_FILE];
    const shards = names.filter((name) => /^model-\d+-of-\d+\.safetensors$/.test(name));
    if (shards.length === 0 && !names.includes(INDEX_FILE)) return undefined;
    return [...shards, ...names.filter((name) => name === INDEX_FILE)];
  },
  async open(folder, options) {
    const names = await folder.names(options);
    if (names ? !safetensorsFormat.pick(names, folder.choice) : folder.choice !== undefined) return undefined;
    return {
      folder,
      notes: [],
      checkpoint: (config, { signal }) => openCheckpoint(folder, { signal, config }),
    };
  },
};
