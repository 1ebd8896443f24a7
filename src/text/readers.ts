/** All that reads a model's tokenizer and chat template: one file, which loads beside those of a model with text. */
export { ChatTemplate } from "./chat-template.ts";
export { companion } from "./special-tokens.ts";
export { findTemplate } from "./template-source.ts";
export { TextIds } from "./text-ids.ts";
export { Tokenizer } from "./tokenizer.ts";
