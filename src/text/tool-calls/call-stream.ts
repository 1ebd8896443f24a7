/** Splits an answer into text and tool calls while it is generated. No text is lost: an incomplete call stays text. */
import type { Tool, ToolCall } from "../../shared/tools.ts";
import type { ReadCall, ToolConvention } from "./convention.ts";

export type CallPiece =
  | { type: "text"; text: string }
  /** A call begins (the first piece of an index), or its arguments continue. */
  | { type: "tool-call"; index: number; id: string; name: string; arguments: string }
  /** A text that looked like a call was not one; it was emitted as text before this. */
  | { type: "tool-problem"; message: string };

interface Told {
  id: string;
  name: string;
  arguments: string;
  isWhole: boolean;
}

/** Reads one answer piece by piece. */
export class CallStream {
  readonly #convention: ToolConvention;
  readonly #tools: readonly Tool[];
  readonly #makeId: () => string;
  /** Emitted calls in order, without broken ones. */
  readonly #calls: Told[] = [];
  /** Index of the next call, counting those that broke. */
  #nextIndex = 0;
  /** The call in progress. */
  #begun: (Told & { index: number }) | undefined;
  /** Text not emitted yet. */
  #held = "";
  /** Calls in `#held` that are emitted completely. */
  #emittedOfHeld = 0;
  /** White space before the calls, which is text if they break. */
  #layout = "";
  #isInCall = false;
  #hasText = false;
  #hasTextAfterCalls = false;

  constructor(convention: ToolConvention, tools: readonly Tool[], makeId: () => string) {
    this.#convention = convention;
    this.#tools = tools;
    this.#makeId = makeId;
  }

  /** The whole calls so far. */
  get calls(): ToolCall[] {
    return this.#calls.map(({ id, name, arguments: text }) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    }));
  }

  /** Takes text that can no longer change. */
  push(text: string): CallPiece[] {
    this.#held += text;
    return [...this.#advance(false)];
  }

  /** The rest of the answer. */
  end(): CallPiece[] {
    return [...this.#advance(true)];
  }

  *#advance(isEnd: boolean): Generator<CallPiece> {
    while (this.#isInCall ? yield* this.#readCalls(isEnd) : yield* this.#readText(isEnd));
  }

  /** Emits text up to the next opening. Returns true if there is more to read. */
  *#readText(isEnd: boolean): Generator<CallPiece, boolean> {
    const { openings, isAtStart } = this.#convention;
    const mayOpen = !isAtStart || (!this.#hasText && this.#nextIndex === 0);
    const found = mayOpen ? firstOf(this.#held, openings) : -1;
    const start = this.#held.trimStart().length;
    const isOpening = found >= 0 && (!isAtStart || found === this.#held.length - start);
    if (isOpening) {
      // White space before a call is the model's layout.
      const text = this.#held.slice(0, found).trimEnd();
      this.#layout = this.#held.slice(text.length, found);
      yield* this.#emitText(text);
      this.#held = this.#held.slice(found);
      this.#isInCall = true;
      this.#emittedOfHeld = 0;
      return true;
    }
    const keep = isEnd ? 0 : this.#held.length - safeLength(this.#held, mayOpen ? openings : []);
    const text = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(text.length);
    // After calls, white space alone is layout too.
    if (!(isEnd && this.#calls.length > 0 && !this.#hasTextAfterCalls && text.trim() === ""))
      yield* this.#emitText(text);
    return false;
  }

  *#emitText(text: string): Generator<CallPiece> {
    if (text === "") return;
    this.#hasText ||= text.trim() !== "";
    this.#hasTextAfterCalls ||= this.#calls.length > 0 && text.trim() !== "";
    yield { type: "text", text };
  }

  /** Emits the certain parts of calls. Returns true if there is more to read. */
  *#readCalls(isEnd: boolean): Generator<CallPiece, boolean> {
    const { calls, used, state, problem } = this.#convention.read(this.#held, this.#tools);
    for (const call of calls.slice(this.#emittedOfHeld)) yield* this.#emitCall(call);
    if (state === "open" && !isEnd) return false;
    const rest = this.#held.slice(used);
    this.#isInCall = false;
    this.#emittedOfHeld = 0;
    const wasBegun = this.#begun;
    this.#begun = undefined;
    if (state === "closed" || (state === "open" && used > 0 && /^[\s,;]*$/.test(rest))) {
      this.#held = rest;
      return true;
    }
    // Continues after the opening, which began no call.
    const opening = this.#convention.openings.find((one) => rest.startsWith(one)) ?? rest.slice(0, 1);
    const certain = isEnd && state === "open" ? rest : rest.slice(0, Math.max(1, opening.length));
    this.#held = rest.slice(certain.length);
    yield* this.#emitText(used === 0 ? this.#layout + certain : certain);
    if (state === "text") return true;
    const name = wasBegun ? ` of ${wasBegun.name}` : "";
    const reason = state === "open" ? "the answer ended within it" : problem;
    yield {
      type: "tool-problem",
      message: `a call${name} is not whole, and its text is part of the answer: ${reason}`,
    };
    return true;
  }

  *#emitCall({ name, arguments: text, isWhole }: ReadCall): Generator<CallPiece> {
    const isNew = this.#begun === undefined;
    this.#begun ??= { id: this.#makeId(), name, arguments: "", isWhole, index: this.#nextIndex++ };
    const { id, index, arguments: before } = this.#begun;
    const added = text.slice(before.length);
    if (isNew || added !== "") yield { type: "tool-call", index, id, name, arguments: added };
    this.#begun.arguments = text;
    if (!isWhole) return;
    this.#calls.push({ ...this.#begun, isWhole });
    this.#begun = undefined;
    this.#emittedOfHeld++;
  }
}

/** Position of the first of the texts; -1 for none. */
function firstOf(text: string, openings: readonly string[]): number {
  const places = openings.map((opening) => text.indexOf(opening)).filter((place) => place >= 0);
  return places.length > 0 ? Math.min(...places) : -1;
}

/** Length of the text in which no opening, or white space before one, can begin. */
function safeLength(text: string, openings: readonly string[]): number {
  let length = text.length;
  for (const opening of openings)
    for (let size = Math.min(opening.length - 1, text.length); size > 0; size--)
      if (opening.startsWith(text.slice(text.length - size))) length = Math.min(length, text.length - size);
  return openings.length > 0 ? text.slice(0, length).trimEnd().length : length;
}
