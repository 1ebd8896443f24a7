/**
 * Programs that serve models behind OpenAI's interface, and how they differ. They name fields outside that interface
 * differently, ignore some of its fields, and know other forms of answers. A program is a value; no other file knows
 * its name.
 */
import type { AnswerFormat, GenerateRequest } from "../api.ts";

export type ServerKind = "openai" | "vllm" | "sglang" | "llama.cpp" | "transformers";

/** Fields of a request that OpenAI's interface does not have. */
export type ExtraField = "topK" | "minP" | "repetitionPenalty";

/** Forms of an answer that OpenAI's interface does not have. */
type ExtraFormat = Extract<AnswerFormat, { type: "regex" | "choice" | "grammar" }>;

export interface ServerDialect {
  /** Its name for users. */
  readonly name: string;
  /** `owned_by` in its list of models. */
  readonly owner?: string;
  readonly fields: { readonly [field in ExtraField]?: string };
  /** Fields that it would ignore, or take for something else. */
  readonly ignored: readonly (keyof GenerateRequest)[];
  /** Fields of the body for a form; undefined if it does not have that form. */
  format?(format: ExtraFormat): Record<string, unknown> | undefined;
  /** True if it takes `mm_processor_kwargs`. */
  readonly hasProcessorSettings?: true;
  /** True if `tokenize` beside the interface counts the tokens of a conversation. */
  readonly counts?: true;
}

const SAMPLING = { topK: "top_k", minP: "min_p", repetitionPenalty: "repetition_penalty" } as const;

export const SERVERS: { readonly [kind in ServerKind]: ServerDialect } = {
  openai: { name: "OpenAI's interface", fields: {}, ignored: [] },
  vllm: {
    name: "vLLM",
    owner: "vllm",
    fields: SAMPLING,
    ignored: [],
    format: (format) => ({ structured_outputs: formatField(format) }),
    hasProcessorSettings: true,
    counts: true,
  },
  sglang: {
    name: "SGLang",
    owner: "sglang",
    fields: SAMPLING,
    ignored: [],
    format(format) {
      if (format.type === "grammar") return { ebnf: format.ebnf };
      return { regex: format.type === "regex" ? format.pattern : format.options.map(escaped).join("|") };
    },
  },
  "llama.cpp": {
    name: "llama.cpp",
    owner: "llamacpp",
    fields: { topK: "top_k", minP: "min_p", repetitionPenalty: "repeat_penalty" },
    ignored: [],
    format(format) {
      if (format.type === "grammar") return { grammar: format.ebnf };
      // GBNF writes strings as JSON does.
      if (format.type === "choice")
        return { grammar: `root ::= ${format.options.map((s) => JSON.stringify(s)).join(" | ")}` };
      return undefined;
    },
  },
  transformers: {
    name: "transformers serve",
    fields: {},
    // It logs a warning for these and answers all the same; it takes the frequency penalty for a repetition penalty.
    ignored: ["format", "topLogprobs", "presencePenalty", "frequencyPenalty"],
  },
};

function formatField(format: ExtraFormat): Record<string, unknown> {
  if (format.type === "regex") return { regex: format.pattern };
  return format.type === "choice" ? { choice: format.options } : { grammar: format.ebnf };
}

/** Text as a pattern that matches it. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** The program that owns a list of models; undefined for an unknown one. */
export function serverOf(owner: unknown): ServerKind | undefined {
  const found = Object.entries(SERVERS).find(([, dialect]) => dialect.owner !== undefined && dialect.owner === owner);
  return found?.[0] as ServerKind | undefined;
}
