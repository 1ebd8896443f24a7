/** Small parts that conventions share: names of tools, arguments as JSON, and the frame of a reader. */
import type { Tool } from "../../shared/tools.ts";
import type { ReadCall, Reading } from "./convention.ts";
import { Broken, UNFINISHED } from "./cursor.ts";

/** Calls as a reader finds them. */
export class FoundCalls {
  readonly #calls: ReadCall[] = [];
  #used = 0;
  #begun: ReadCall | undefined;

  /** Begins a call once its name is known. Throws Broken for a name that is not a tool's. */
  begin(name: string, tools: readonly Tool[]): void {
    if (!tools.some((tool) => tool.function.name === name))
      throw new Broken(`it calls ${JSON.stringify(name.slice(0, 64))}, which is none of the tools`);
    this.#begun = { name, arguments: "", isWhole: false };
  }

  /** Sets the arguments so far. */
  argue(text: string): void {
    if (this.#begun) this.#begun.arguments = text;
  }

  /** Completes the call; its text ends at `at`. */
  finish(text: string, at: number): void {
    this.#calls.push({ ...this.#begun!, arguments: text, isWhole: true });
    this.#begun = undefined;
    this.#used = at;
  }

  /** Moves the end of the whole calls, as a closing mark does. */
  use(at: number): void {
    this.#used = at;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Runs a reader that fills this. @param isQuiet text that begins like a call may be text until its name is known */
  read(run: (found: this) => void, isQuiet = false): Reading {
    try {
      run(this);
      return { calls: this.#calls, used: this.#used, state: "closed" };
    } catch (error) {
      const calls = this.#begun ? [...this.#calls, this.#begun] : this.#calls;
      if (error === UNFINISHED) return { calls, used: this.#used, state: "open" };
      if (!(error instanceof Broken)) throw error;
      const isText = isQuiet && calls.length === 0;
      return { calls, used: this.#used, state: isText ? "text" : "broken", problem: error.message };
    }
  }
}

/** Arguments as JSON: all of them, or those read so far. */
export function argumentsText(members: readonly (readonly [string, unknown])[], isWhole: boolean): string {
  const parts = members.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{${parts.join(", ")}${isWhole ? "}" : ""}`;
}

/** The schema of a tool's arguments. */
export function parametersOf({ function: { parameters } }: Tool): object {
  return parameters ?? { type: "object", properties: {}, additionalProperties: false };
}

/** The schema with references adjusted for its place in a larger one. @param path as "#/properties/a" */
export function moved(schema: unknown, path: string, isMap = false): unknown {
  if (Array.isArray(schema)) return schema.map((part) => moved(part, path));
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, part]) => {
    if (key === "$ref" && !isMap && typeof part === "string") return [key, part.replace(/^#/, path)];
    const isData = !isMap && (key === "const" || key === "enum" || key === "default" || key === "examples");
    const holdsNames = !isMap && /^(properties|patternProperties|\$defs|definitions)$/.test(key);
    return [key, isData ? part : moved(part, path, holdsNames)];
  });
  return Object.fromEntries(entries);
}
