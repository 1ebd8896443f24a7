/** The entry `fovea/openai`: OpenAI's chat completions and embeddings over models that run in this page. */
export { ApiError } from "./api-error.ts";
export { type ChatModel, type ChatModels, FoveaOpenAI } from "./client.ts";
export type { ChatCompletionStream } from "./completion-stream.ts";
export { createFetch } from "./fetch.ts";
export type * from "./types.ts";
