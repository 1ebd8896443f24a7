/** Tools that a model may call, and its calls: the shape that chat templates and OpenAI's interface share. */

/** A function that the caller runs. */
export interface Tool {
  type: "function";
  function: {
    /** 1 to 64 letters, digits, "_", "-" or "."; each name once. */
    name: string;
    description?: string;
    /** JSON Schema of an object. Without it, the function takes no arguments. */
    parameters?: object;
    /** OpenAI's. A server gets it; here, calls that are required always follow their schema, others need not. */
    strict?: boolean;
  };
}

/** "required" and a name make the answer a call, by a grammar. A name makes it a call of that tool. */
export type ToolChoice = "auto" | "none" | "required" | { name: string };

/** A call of an answer. */
export interface ToolCall {
  id: string;
  type: "function";
  /** `arguments` is a JSON object as text; it parses, but nothing has compared it with the tool's schema. */
  function: { name: string; arguments: string };
}

/** A call of an earlier answer, as a message brings it. */
export interface PastToolCall {
  id?: string;
  type?: "function";
  function: { name: string; arguments: string | object };
}

/** Text of calls, for a grammar. Parts follow each other. */
export type CallForm = readonly CallFormPart[];

export type CallFormPart =
  /** This text. */
  | string
  /** JSON that a schema accepts. */
  | { json: object }
  | { either: readonly CallForm[] }
  | { oneOrMore: CallForm; between: string }
  /** The properties of an object's schema, one after another. */
  | { members: object; notation: MemberNotation };

/** How a convention writes arguments. */
export interface MemberNotation {
  open: string;
  close: string;
  between: string;
  beforeName: string;
  afterName: string;
  /** Characters that end a name, so that no name may hold them. */
  nameEnds: string;
  afterValue: string;
  /** Strings stand between these, as they are, without "<". Default: JSON strings. */
  rawStrings?: readonly [string, string];
  /** True, False and None in place of true, false and null. */
  isPython?: boolean;
}
