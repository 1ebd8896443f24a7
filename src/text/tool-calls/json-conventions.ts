/** The conventions whose calls are JSON objects. */
import { jsonCalls } from "./json-calls.ts";

/** Hermes, Qwen 2.5 and 3, SmolLM3, Granite 4. */
export const tagged = jsonCalls({
  name: "tagged JSON",
  opening: "<tool_call>",
  closing: "</tool_call>",
  inner: "\n",
  isList: false,
  field: "arguments",
});

/** Llama 3: the call is the whole answer. */
export const bare = jsonCalls({
  name: "bare JSON",
  opening: undefined,
  otherOpenings: ["<|python_tag|>"],
  closing: undefined,
  isList: false,
  field: "parameters",
  ends: ["<|eom_id|>"],
});

/** Mistral's older models. */
export const bracketed = jsonCalls({
  name: "a JSON list after [TOOL_CALLS]",
  opening: "[TOOL_CALLS]",
  closing: undefined,
  inner: " ",
  isList: true,
  field: "arguments",
});

/** Granite 3. */
export const listed = jsonCalls({
  name: "a JSON list after <|tool_call|>",
  opening: "<|tool_call|>",
  closing: undefined,
  isList: true,
  field: "arguments",
});

/** Phi-4-mini. */
export const enclosed = jsonCalls({
  name: "a JSON list within <|tool_call|>",
  opening: "<|tool_call|>",
  closing: "<|/tool_call|>",
  isList: true,
  field: "arguments",
});
