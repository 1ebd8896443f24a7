/**
 * The supported part of OpenAI's chat completions: requests and answers. Types only; request.ts and messages.ts check the
 * values.
 */
import type { Compression, GenerationStats, Inhibition, ModelInfo, TextDocument, ToolCall } from "../api.ts";

export interface TextPart {
  type: "text";
  text: string;
}

export interface ImagePart {
  type: "image_url";
  image_url: {
    /** An absolute http(s) address, a data: URL, or a blob: URL of the same page. */
    url: string;
    /** Ignored; `fovea.compression` sets the number of tokens of a picture. */
    detail?: "auto" | "low" | "high";
  };
}

/** A part that vLLM and others added to OpenAI's: the model reads the video as pictures. */
export interface VideoUrlPart {
  type: "video_url";
  video_url: {
    /** As that of a picture. */
    url: string;
  };
}

export interface SystemMessage {
  role: "system" | "developer";
  content: string | TextPart[];
  name?: string;
}

export interface UserMessage {
  role: "user";
  content: string | (TextPart | ImagePart | VideoUrlPart)[];
  name?: string;
}

/** An earlier answer; a completion's message can be passed back unchanged. */
export interface AssistantMessage {
  role: "assistant";
  content?: string | TextPart[] | null;
  refusal?: null;
  name?: string;
  tool_calls?: ToolCall[];
}

/** The result of a tool. */
export interface ToolMessage {
  role: "tool";
  content: string | TextPart[];
  tool_call_id: string;
}

export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export interface ChatTool {
  type: "function";
  function: {
    name: string;
    description?: string;
    parameters?: Record<string, unknown>;
    /** Ignored: calls that are required always follow the schema, others need not. */
    strict?: boolean | null;
  };
}

/** Settings of Fovea's `generate` that OpenAI's interface lacks. */
export interface FoveaSettings {
  compression?: Compression;
  inhibition?: Inhibition;
  topK?: number;
  minP?: number;
  repetitionPenalty?: number;
  documents?: TextDocument[];
}

/** A request. Absent or null fields have the defaults of Fovea's `generate`, except `seed`. */
export interface ChatCompletionRequest {
  /** The id of one of the client's models. */
  model: string;
  messages: ChatMessage[];
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean; include_obfuscation?: boolean } | null;
  /** Most new tokens. */
  max_completion_tokens?: number | null;
  /** The older name of `max_completion_tokens`; pass only one of the two. */
  max_tokens?: number | null;
  /** 0 to 2. Absent: 0 (greedy) as in `generate`, not OpenAI's 1. */
  temperature?: number | null;
  /** 0 to 1. */
  top_p?: number | null;
  /** Any integer; its low 32 bits count. Absent: random. */
  seed?: number | null;
  /** Up to four strings that end the answer and are not part of it. */
  stop?: string | string[] | null;
  /** Answers to give, 1 to 128; with a temperature of 0 they are equal. Answer i has the seed `seed` + i. */
  n?: number | null;
  /** Also give the log-probability of each token: the model's own, before penalties and temperature. */
  logprobs?: boolean | null;
  /** With `logprobs`: the most likely tokens to give at each place, 0 to 20. */
  top_logprobs?: number | null;
  /** -2 to 2; see `frequencyPenalty` and `presencePenalty` of `generate`. */
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  /** Token id -> what is added to its logit, -100 to 100. */
  logit_bias?: Record<string, number> | null;
  /**
   * A JSON object, or JSON that a schema accepts; `strict` is always meant. Keywords that cannot be followed are
   * refused.
   */
  response_format?:
    | { type: "text" }
    | { type: "json_object" }
    | {
        type: "json_schema";
        json_schema: { name: string; description?: string; schema?: Record<string, unknown>; strict?: boolean | null };
      };
  /** Functions that the model may call; see `tools` of `generate`. */
  tools?: ChatTool[];
  tool_choice?: "none" | "auto" | "required" | { type: "function"; function: { name: string } };
  /** True if an answer may have several calls; default true. */
  parallel_tool_calls?: boolean;
  /** A service's bookkeeping: ignored, like the next four fields. */
  user?: string;
  metadata?: Record<string, string> | null;
  store?: boolean | null;
  service_tier?: string | null;
  safety_identifier?: string;
  fovea?: FoveaSettings | null;
}

export type ChatCompletionRequestStreaming = ChatCompletionRequest & { stream: true };
export type ChatCompletionRequestNonStreaming = ChatCompletionRequest & { stream?: false | null };

export interface RequestOptions {
  /** Ends the work in any phase. */
  signal?: AbortSignal;
}

/** "tool_calls" for every answer with calls that was not cut. */
export type FinishReason = "stop" | "length" | "tool_calls";

export interface CompletionUsage {
  /** Tokens of the prompt, including those of pictures after compression. */
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  /** Seconds since 1970. */
  created: number;
  model: string;
  choices: {
    index: number;
    /** `content` is null for an answer of calls alone. */
    message: { role: "assistant"; content: string | null; refusal: null; tool_calls?: ToolCall[] };
    /** Null unless the request asks for them. */
    logprobs: ChatLogprobs | null;
    finish_reason: FinishReason;
  }[];
  usage: CompletionUsage;
  /** Statistics of `generate`, of the first answer. */
  fovea: GenerationStats;
}

export interface TopLogprob {
  token: string;
  logprob: number;
  /** The token in UTF-8, which may be a part of a character. */
  bytes: number[];
}

export interface TokenLogprob extends TopLogprob {
  top_logprobs: TopLogprob[];
}

export interface ChatLogprobs {
  content: TokenLogprob[];
  refusal: null;
}

/** The first one of an index has id and name. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: "function";
  function: { name?: string; arguments: string };
}

export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /** Seconds since 1970, the same in all chunks of an answer. */
  created: number;
  model: string;
  /** One; none in the chunk that holds the usage. */
  choices: {
    index: number;
    delta: { role?: "assistant"; content?: string | null; tool_calls?: ToolCallDelta[] };
    /** Of the tokens of this chunk's text. */
    logprobs: ChatLogprobs | null;
    finish_reason: FinishReason | null;
  }[];
  /** Only with `stream_options.include_usage`: null except in the last chunk. */
  usage?: CompletionUsage | null;
  /** Statistics, in the chunk with the finish reason. */
  fovea?: GenerationStats;
}

export interface Model {
  id: string;
  object: "model";
  /** When the client was made, in seconds since 1970. */
  created: number;
  owned_by: string;
  fovea: ModelInfo;
}

export interface ModelList {
  object: "list";
  data: Model[];
}

export interface EmbeddingRequest {
  model: string;
  /** A text, or several texts and pictures. */
  input: string | (string | TextPart | ImagePart)[];
  /** Default "float"; "base64" is of little-endian f32. */
  encoding_format?: "float" | "base64";
  /** Only the width that the model has. */
  dimensions?: number;
  /** Ignored. */
  user?: string;
}

export interface Embedding {
  object: "embedding";
  index: number;
  /** A string with the format "base64". */
  embedding: number[] | string;
}

export interface EmbeddingResponse {
  object: "list";
  data: Embedding[];
  model: string;
  /** Tokens of texts without padding, and rows of pictures. */
  usage: { prompt_tokens: number; total_tokens: number };
}

/** An error in OpenAI's words. */
export interface ErrorBody {
  message: string;
  type: "invalid_request_error" | "server_error" | "aborted";
  /** The wrong field of the request, such as "messages[0].content". */
  param: string | null;
  /** A stable string: OpenAI's code where it has one, else a code of FoveaError. */
  code: string | null;
}
