/**
 * The shapes of OpenAI's chat completions, as far as they mean something here: what a request may hold, and what comes
 * back. Types alone; a request's values are checked in request.ts and messages.ts.
 */
import type { Compression, GenerationStats, Inhibition, ModelInfo } from "../api.ts";

export interface TextPart {
  type: "text";
  text: string;
}

export interface ImagePart {
  type: "image_url";
  image_url: {
    /** An absolute http(s) address, a data: URL, or a blob: URL of the same page. */
    url: string;
    /** Without effect: how many tokens a picture takes is the business of `fovea.compression`. */
    detail?: "auto" | "low" | "high";
  };
}

export interface SystemMessage {
  role: "system" | "developer";
  content: string | TextPart[];
  name?: string;
}

export interface UserMessage {
  role: "user";
  content: string | (TextPart | ImagePart)[];
  name?: string;
}

/** An earlier answer; the message of a completion can be handed back as it is. */
export interface AssistantMessage {
  role: "assistant";
  content: string | TextPart[];
  refusal?: null;
  name?: string;
}

export type ChatMessage = SystemMessage | UserMessage | AssistantMessage;

/** Settings that OpenAI's interface has no words for, as in Fovea's own `generate`. */
export interface FoveaSettings {
  compression?: Compression;
  inhibition?: Inhibition;
  topK?: number;
  repetitionPenalty?: number;
}

/** A request. What is absent or null is as in Fovea's own `generate`, `seed` excepted. */
export interface ChatCompletionRequest {
  /** The id of a model that was handed over. */
  model: string;
  messages: ChatMessage[];
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean; include_obfuscation?: boolean } | null;
  /** New tokens at most. */
  max_completion_tokens?: number | null;
  /** The older name of `max_completion_tokens`; one of the two may be given. */
  max_tokens?: number | null;
  /** 0 to 2. Absent: that of `generate`, the likeliest token each time, and not OpenAI's 1. */
  temperature?: number | null;
  /** 0 to 1. */
  top_p?: number | null;
  /** Any integer; 32 bits of it count. Absent: another one each time. */
  seed?: number | null;
  /** Up to four texts that end the answer and are no part of it. */
  stop?: string | string[] | null;
  /** Only 1. */
  n?: 1 | null;
  response_format?: { type: "text" };
  /** For the bookkeeping of a service: without effect, and so are the next four. */
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
  /** Ends the work, in whatever phase. */
  signal?: AbortSignal;
}

export type FinishReason = "stop" | "length";

export interface CompletionUsage {
  /** Tokens of the prompt, those of pictures included, as many as were left by compression. */
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
    index: 0;
    message: { role: "assistant"; content: string; refusal: null };
    logprobs: null;
    finish_reason: FinishReason;
  }[];
  usage: CompletionUsage;
  /** Times and sizes, as `generate` gives them. */
  fovea: GenerationStats;
}

export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /** Seconds since 1970, the same in all chunks of an answer. */
  created: number;
  model: string;
  /** One; none in the chunk that holds the usage. */
  choices: {
    index: 0;
    delta: { role?: "assistant"; content?: string };
    logprobs: null;
    finish_reason: FinishReason | null;
  }[];
  /** Only where `stream_options.include_usage` asked for it: null but in the last chunk. */
  usage?: CompletionUsage | null;
  /** Times and sizes; in the chunk that has the finish reason. */
  fovea?: GenerationStats;
}

export interface Model {
  id: string;
  object: "model";
  /** When it was handed over, in seconds since 1970. */
  created: number;
  owned_by: string;
  fovea: ModelInfo;
}

export interface ModelList {
  object: "list";
  data: Model[];
}

/** What is wrong, in OpenAI's words. */
export interface ErrorBody {
  message: string;
  type: "invalid_request_error" | "server_error" | "aborted";
  /** The field of the request that is wrong, such as "messages[0].content". */
  param: string | null;
  /** A stable word: OpenAI's own where it has one, a code of FoveaError otherwise. */
  code: string | null;
}
