/** The known conventions, and the detection of a model's convention by its files. Readers are loaded on demand. */
import type { ToolConvention } from "./convention.ts";

/** The facts from a model's files. */
export interface ToolFacts {
  /** Text of all chat templates. */
  template: string;
  hasToken(text: string): boolean;
}

interface Entry {
  matches(facts: ToolFacts): boolean;
  load(): Promise<ToolConvention>;
}

const json = () => import("./json-conventions.ts");
const listed = async () => (await json()).listed;
const python = async () => (await import("./python-calls.ts")).pythonCalls;
const has =
  (...texts: string[]) =>
  ({ template }: ToolFacts) =>
    texts.every((text) => template.includes(text));

/** The first match counts. */
const CONVENTIONS: readonly Entry[] = [
  { matches: has("<function=", "<parameter="), load: async () => (await import("./xml-calls.ts")).xmlCalls },
  { matches: has("<start_function_call>"), load: async () => (await import("./escaped-calls.ts")).escapedCalls },
  { matches: has("[TOOL_CALLS]", "[ARGS]"), load: async () => (await import("./named-json.ts")).namedJson },
  { matches: has("[TOOL_CALLS]"), load: async () => (await json()).bracketed },
  { matches: has("<|tool_list_start|>"), load: python },
  { matches: has("<|tool_call_start|>"), load: python },
  { matches: has("<|tool|>"), load: async () => (await json()).enclosed },
  { matches: has("<|tool_call|>"), load: listed },
  { matches: has("<tool_call>"), load: async () => (await json()).tagged },
  { matches: has('"parameters": ', "ipython"), load: async () => (await json()).bare },
  // Templates that leave the convention to the model's training.
  { matches: ({ hasToken }) => hasToken("<|tool_call_start|>"), load: python },
  { matches: ({ hasToken }) => hasToken("<|tool_call|>"), load: listed },
];

/** The model's convention; undefined for a template without tools, or with an unknown convention. */
export function findConvention(facts: ToolFacts): Entry["load"] | undefined {
  if (!/\btools\b/.test(facts.template)) return undefined;
  return CONVENTIONS.find(({ matches }) => matches(facts))?.load;
}
