/** Events of a running answer. */
import type { AnswerToken } from "./answer-token.ts";
import type { AnsweringServer } from "./answering-server.ts";
import type { AnswerAttention, GenerationStats } from "./generation-stats.ts";
import type { ToolCall } from "./tools.ts";
import type { CompressionStage, SeenView } from "./view.ts";

export type GenerationEvent =
  | {
      type: "image";
      index: number;
      tokens: number;
      milliseconds: number;
      /** Of the only view, else of the first. */
      stages: CompressionStage[];
      /** In the order of the prompt. */
      views: SeenView[];
    }
  | { type: "prefill"; tokens: number; milliseconds: number }
  /**
   * Only with the first `format`, or the first call that must be made: a library is being loaded, and then, with
   * `milliseconds`, it is ready. `bytes` is its size without compression.
   */
  | { type: "library"; name: string; bytes: number; milliseconds?: number }
  /** Only of a model on a server, first of all: the server has taken the request. */
  | ({ type: "server" } & AnsweringServer)
  | { type: "text"; text: string }
  /** Only with `topLogprobs`: tokens whose text the next `text` event begins or holds. */
  | { type: "logprobs"; tokens: AnswerToken[] }
  /**
   * Only with `tools`: a call begins (the first event of an index, most often without arguments), or its arguments go on.
   * `arguments` is the added text; all of one index together are JSON.
   */
  | { type: "tool-call"; index: number; id: string; name: string; arguments: string }
  /** Only with `tools`: the text that began like a call is not one. It came in `text` events; its index has no call. */
  | { type: "tool-problem"; message: string }
  /**
   * The GPU device was lost. The model is loaded again, then the answer continues; no event is repeated. May come more
   * than once, in any phase.
   */
  | { type: "recovering" }
  /** Shaders are compiled before the first answer of a model that was loaded with `compile: "background"`. */
  | { type: "compiling" }
  | ({ type: "attention" } & AnswerAttention)
  /** `toolCalls`: the whole calls, where there are any. */
  | { type: "done"; reason: "stop" | "length" | "abort"; stats: GenerationStats; toolCalls?: ToolCall[] };
