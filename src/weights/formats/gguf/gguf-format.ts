/**
 * GGUF: one file, or its parts, holds tensors, configuration, tokenizer and chat template; a second file may hold the
 * image encoder.
 */
import { isJsonObject } from "../../../shared/json.ts";
import type { WeightFormat } from "../format.ts";
import { choiceParts, chosen, isGguf, languageVariants, shardNames, visionFiles } from "./variants.ts";

export const ggufFormat: WeightFormat = {
  name: "gguf",
  isWeightFile: isGguf,
  hubField: {
    name: "gguf",
    async isReadable(value) {
      if (!isJsonObject(value) || typeof value.architecture !== "string") return false;
      return Object.hasOwn((await import("./architectures.ts")).ARCHITECTURES, value.architecture);
    },
  },
  pick(names, choice) {
    const all = languageVariants(names);
    const [wanted, wantedVision] = choiceParts(choice);
    const [language] = wanted === undefined ? all : chosen(all, wanted);
    if (!language) return undefined;
    const vision = visionFiles(names, wantedVision, language.file)[0];
    return [...shardNames(language.file), ...(vision === undefined ? [] : [vision])].filter((name) =>
      names.includes(name),
    );
  },
  async open(folder, options) {
    const names = await folder.names(options);
    const [choice] = choiceParts(folder.choice);
    if (names ? !names.some(isGguf) : choice === undefined || !isGguf(choice)) return undefined;
    return (await import("./open-gguf.ts")).openGguf(folder, options);
  },
};
