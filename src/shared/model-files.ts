/** Which small files make up a model, beside its weights. Every room that lists, plans, stores or reads them asks here. */

/** They describe the network and its pictures. */
export const DESCRIPTION_FILES = ["config.json", "preprocessor_config.json", "processor_config.json"] as const;

/** They make ids out of texts. */
export const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"] as const;

/** They make text out of ids and a prompt out of a conversation; needed for a model with a decoder. */
export const LANGUAGE_FILES = [
  ...TOKENIZER_FILES,
  "generation_config.json",
  "chat_template.jinja",
  "chat_template.json",
] as const;

/** The defaults of requests that a model's publisher recommends; Fovea's own file. */
export const DEFAULTS_FILE = "fovea.json";

/** All of them. Loading reads nothing else of a folder but weights. */
export const COMPANION_FILES: readonly string[] = [...DESCRIPTION_FILES, ...LANGUAGE_FILES, DEFAULTS_FILE];
