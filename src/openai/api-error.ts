/**
 * Errors in OpenAI's shape: a status, and a body with message, type, param and code. Converts the engine's errors.
 */
import type { FoveaErrorCode } from "../errors.ts";
import type { ErrorBody } from "./types.ts";

/** The error that `create` and the streams throw. `cause` is the engine's error, if there is one. */
export class ApiError extends Error implements ErrorBody {
  override readonly name = "ApiError";
  /**
   * As in HTTP: 400 wrong request, 403 no such embeddings, 404 unknown model, 499 aborted, 500 internal error, 502
   * another server failed, 503 no GPU or no memory.
   */
  readonly status: number;
  readonly type: ErrorBody["type"];
  readonly param: string | null;
  readonly code: string | null;

  constructor(status: number, body: ErrorBody, options?: { cause?: unknown }) {
    super(body.message, options);
    this.status = status;
    this.type = body.type;
    this.param = body.param;
    this.code = body.code;
  }

  /** The body of an HTTP answer. */
  get error(): ErrorBody {
    const { message, type, param, code } = this;
    return { message, type, param, code };
  }
}

/** The error for a refused request; status 400 by default. */
export function invalid(param: string | null, message: string, code: string, status = 400): ApiError {
  return new ApiError(status, { message, type: "invalid_request_error", param, code });
}

/** The status of an aborted request, as proxies log it. */
export const ABORTED = 499;

export function aborted(): ApiError {
  return new ApiError(ABORTED, { message: "the request was aborted", type: "aborted", param: null, code: "aborted" });
}

/** Engine code -> status and code of the answer. Codes that are missing here are internal errors. */
const OUTCOMES: { [code in FoveaErrorCode]?: { status: number; code: string; param?: string } } = {
  "context-full": { status: 400, code: "context_length_exceeded", param: "messages" },
  "bad-image": { status: 400, code: "invalid_image", param: "messages" },
  // During an answer, only pictures are downloaded.
  "download-failed": { status: 400, code: "invalid_image_url", param: "messages" },
  "unsupported-model": { status: 400, code: "unsupported_model", param: "model" },
  "server-failed": { status: 502, code: "server-failed" },
  aborted: { status: ABORTED, code: "aborted" },
  disposed: { status: 503, code: "disposed" },
  "no-webgpu": { status: 503, code: "no-webgpu" },
  "device-lost": { status: 503, code: "device-lost" },
  "out-of-memory": { status: 503, code: "out-of-memory" },
};

/** Field of `generate` -> field of an OpenAI request. */
const FIELDS: Record<string, string> = {
  messages: "messages",
  maxTokens: "max_completion_tokens",
  temperature: "temperature",
  topP: "top_p",
  seed: "seed",
  stop: "stop",
  compression: "fovea.compression",
  inhibition: "fovea.inhibition",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  logitBias: "logit_bias",
  topLogprobs: "top_logprobs",
  format: "response_format",
  tools: "tools",
  toolChoice: "tool_choice",
  parallelToolCalls: "parallel_tool_calls",
  topK: "fovea.topK",
  minP: "fovea.minP",
  repetitionPenalty: "fovea.repetitionPenalty",
};

/** Any thrown value as an ApiError. @param pictures the field that pictures come in */
export function toApiError(thrown: unknown, pictures = "messages"): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const outcome = OUTCOMES[codeOf(thrown) as FoveaErrorCode];
  if (outcome) {
    const type = typeOf(outcome.status);
    const param = outcome.param === "messages" ? pictures : (outcome.param ?? null);
    return new ApiError(outcome.status, { message, type, code: outcome.code, param }, { cause: thrown });
  }
  if (thrown instanceof TypeError || thrown instanceof RangeError) {
    const body = { message, type: typeOf(400), param: paramOf(message), code: "invalid_value" };
    return new ApiError(400, body, { cause: thrown });
  }
  const body = { message, type: typeOf(500), param: null, code: codeOf(thrown) ?? null };
  return new ApiError(500, body, { cause: thrown });
}

function typeOf(status: number): ErrorBody["type"] {
  if (status === ABORTED) return "aborted";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** Checks the name, not the class: the engine may come from another bundle of the library. */
function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && thrown.name === "FoveaError"
    ? String((thrown as { code?: unknown }).code)
    : undefined;
}

/** The engine's messages about a request begin with the field's name. */
function paramOf(message: string): string | null {
  const [, field = "", rest = ""] = /^(\w+)((?:\.\w+|\[\d+\])*)/.exec(message) ?? [];
  return Object.hasOwn(FIELDS, field) ? FIELDS[field] + rest : null;
}
