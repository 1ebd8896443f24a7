/**
 * Which small files make up a model, beside its weights. Every room that lists, plans, stores or reads them asks here.
 */

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

/** The tokenizer by which learned queries read the question, where a model has one besides the decoder's. */
export const QUESTION_TOKENIZER = "qformer_tokenizer.json";

/** Files that lie in a folder of their own, by the plain names under which they are opened and stored. */
export const NESTED_FILES: Readonly<Record<string, readonly [folder: string, name: string]>> = {
  [QUESTION_TOKENIZER]: ["qformer_tokenizer", "tokenizer.json"],
};

/** The defaults of requests that a model's publisher recommends; Fovea's own file. */
export const DEFAULTS_FILE = "fovea.json";

/** All of them. Loading reads nothing else of a folder but weights. */
export const COMPANION_FILES: readonly string[] = [
  ...DESCRIPTION_FILES,
  ...LANGUAGE_FILES,
  QUESTION_TOKENIZER,
  DEFAULTS_FILE,
];
