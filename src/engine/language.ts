/** Tokenizer and chat template of a folder, where it has them. */
import type { DescriptionFiles } from "../families/registry.ts";
import { LANGUAGE_FILES } from "../shared/model-files.ts";
import type { ModelSpec } from "../spec/model-spec.ts";
import { ChatTemplate } from "../text/chat-template.ts";
import { Tokenizer } from "../text/tokenizer.ts";
import type { ModelFolder } from "../weights/folder.ts";

export interface Language {
  tokenizer: Tokenizer;
  template: ChatTemplate;
}

/** Reads what concerns text; undefined for a model without a decoder, or a folder without tokenizer.json. */
export async function loadLanguage(
  folder: ModelFolder,
  spec: ModelSpec,
  described: DescriptionFiles,
  signal: AbortSignal | undefined,
): Promise<Language | undefined> {
  if (!spec.decoder) return undefined;
  const companions = await Promise.all(
    LANGUAGE_FILES.map(async (name) => [name, await folder.text(name, { signal })] as const),
  );
  const files = { ...described, ...Object.fromEntries(companions) };
  const tokenizerJson = files["tokenizer.json"];
  if (tokenizerJson === undefined) return undefined;
  const options = spec.imageTokenId === undefined ? {} : { imageTokenId: spec.imageTokenId };
  const tokenizer = Tokenizer.parse({ ...files, "tokenizer.json": tokenizerJson }, options);
  const fallback = spec.fallbackPrompt;
  return { tokenizer, template: ChatTemplate.parse(files, tokenizer, fallback ? { fallback } : {}) };
}
