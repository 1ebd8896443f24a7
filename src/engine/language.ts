/** Tokenizer and chat template of a folder, where it has them. */
import type { ModelConfig } from "../model/config.ts";
import { ChatTemplate } from "../text/chat-template.ts";
import { Tokenizer } from "../text/tokenizer.ts";
import type { ModelFolder } from "../weights/folder.ts";

export interface Language {
  tokenizer: Tokenizer;
  template: ChatTemplate;
}

const COMPANIONS = [
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
  "chat_template.jinja",
  "chat_template.json",
] as const;

/** For a model that reads pictures and brings no template. */
const PICTURE_FORMAT = {
  system:
    "A chat between a curious user and an artificial intelligence assistant. " +
    "The assistant gives helpful, detailed, and polite answers to the user's questions.",
  user: "USER: ",
  answer: "ASSISTANT:",
};

/** Every file that is read for a model with a decoder, if it is there. */
export const LANGUAGE_FILES: readonly string[] = ["tokenizer.json", ...COMPANIONS];

/** Reads what concerns text; undefined for a model without a decoder, or a folder without tokenizer.json. */
export async function loadLanguage(
  folder: ModelFolder,
  config: ModelConfig,
  configJson: object,
  signal: AbortSignal | undefined,
): Promise<Language | undefined> {
  if (!config.decoder) return undefined;
  const tokenizerJson = await folder.text("tokenizer.json", { signal });
  if (tokenizerJson === undefined) return undefined;
  const companions = await Promise.all(
    COMPANIONS.map(async (name) => [name, await folder.text(name, { signal })] as const),
  );
  const files = { ...Object.fromEntries(companions), "tokenizer.json": tokenizerJson, "config.json": configJson };
  const options = config.imageTokenId === undefined ? {} : { imageTokenId: config.imageTokenId };
  const tokenizer = Tokenizer.parse(files, options);
  const fallback = config.imageTokenId === undefined ? undefined : PICTURE_FORMAT;
  return { tokenizer, template: ChatTemplate.parse(files, tokenizer, { fallback }) };
}
