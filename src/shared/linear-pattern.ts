/**
 * Regular expressions of untrusted files, matched in time linear in the text. JavaScript's own engine backtracks:
 * "(a+)+$" takes for ever over 41 characters, and nothing in the same thread can end it. This one also explores
 * alternatives in order, so it finds the same matches. It remembers where each of them has failed, so it tries no state
 * twice at one place of the text (memoised backtracking, RE2's BitState). RE2 itself cannot be used: nearly every
 * published tokenizer has a lookahead, "\s+(?!\S)", which it lacks.
 *
 * Reads JavaScript's syntax under the flags "gu". Refused: backreferences, which cannot be matched in linear time, and
 * repetitions of what may be empty. Single characters are tested by JavaScript's engine, which knows Unicode.
 */
import { compilePattern, type Program } from "./linear-program.ts";

/** Bounds the memory of a search, in bytes: one for each branch of the program and place of the text. */
const MAX_MEMO_BYTES = 2 ** 27;

const UNKNOWN = 0;
const FAILED = 1;
const MATCHES = 2;

export interface Found {
  /** In UTF-16 code units, [start, end). */
  start: number;
  end: number;
}

/** A compiled pattern. Reads a JavaScript pattern under the flags "gu". */
export class LinearPattern {
  readonly #program: Program;

  /**
   * @param maxBranches the limit that the source must keep, for texts that are known to be short; default 128
   * @throws SyntaxError for a source that is malformed, refused or too large
   */
  constructor(source: string, maxBranches?: number) {
    this.#program = compilePattern(source, maxBranches);
  }

  /** Branches of the program; the cost of a search grows with them. */
  get branches(): number {
    return this.#program.branches;
  }

  /** True if the pattern matches somewhere in the text. Throws as `matches`. */
  test(text: string): boolean {
    return !this.matches(text).next().done;
  }

  /**
   * All matches from left to right, as `matchAll` of a global expression. Throws RangeError for a text that is too
   * long.
   */
  *matches(text: string): Generator<Found> {
    const search = new Search(this.#program, text);
    for (let start = 0; start <= text.length; ) {
      const end = search.matchAt(start);
      if (end < 0) {
        start += widthAt(text, start);
        continue;
      }
      yield { start, end };
      start = end > start ? end : end + widthAt(text, end);
    }
  }
}

function widthAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}

/** One text under one program. */
class Search {
  readonly #program: Program;
  readonly #text: string;
  /** Known results of each branch at each place: [branches, text.length + 1]. */
  readonly #memo: Uint8Array;
  /** States to be tried, the next one last: an instruction and a place; a branch that is being tried has ~branch. */
  readonly #stack: number[] = [];

  constructor(program: Program, text: string) {
    const bytes = program.branches * (text.length + 1);
    if (bytes > MAX_MEMO_BYTES)
      throw new RangeError(
        `a text of ${text.length} characters is too long for a pattern of ${program.branches} branches; shorten it`,
      );
    this.#program = program;
    this.#text = text;
    this.#memo = new Uint8Array(bytes);
  }

  /** End of the match that begins at `start`; -1 where there is none. */
  matchAt(start: number): number {
    return this.#run(this.#program.start, start, UNKNOWN);
  }

  /** @param onPath what the branches of a match are remembered as */
  #run(from: number, place: number, onPath: number): number {
    const { code } = this.#program;
    const text = this.#text;
    const stack = this.#stack;
    const bottom = stack.length;
    stack.push(from, place);
    while (stack.length > bottom) {
      let at = stack.pop()!;
      let pc = stack.pop()!;
      if (pc < 0) {
        // All that this branch leads to has failed.
        this.#memo[~pc * (text.length + 1) + at] = FAILED;
        continue;
      }
      follow: for (;;) {
        const step = code[pc]!;
        switch (step.op) {
          case "character": {
            const index = step.isBackward ? at - 1 : at;
            if (index < 0 || index >= text.length) break follow;
            let point = text.charCodeAt(index);
            let width = 1;
            if (point >= 0xd800 && point <= 0xdfff) {
              const begin = step.isBackward && isPair(text, index - 1) ? index - 1 : index;
              point = text.codePointAt(begin)!;
              width = point > 0xffff ? 2 : 1;
            }
            if (!step.test(point)) break follow;
            at += step.isBackward ? -width : width;
            pc++;
            continue;
          }
          case "branch": {
            const key = step.branch * (text.length + 1) + at;
            const known = this.#memo[key]!;
            if (known === FAILED) break follow;
            if (known === MATCHES) return this.#succeed(bottom, onPath, at);
            stack.push(~step.branch, at, step.second, at);
            pc = step.first;
            continue;
          }
          case "jump":
            pc = step.to;
            continue;
          case "assert":
            if (!step.holds(text, at)) break follow;
            pc++;
            continue;
          case "look":
            if (this.#run(step.to, at, MATCHES) >= 0 === step.isNegative) break follow;
            pc++;
            continue;
          case "match":
            return this.#succeed(bottom, onPath, at);
        }
      }
    }
    return -1;
  }

  /** Empties the stack of this run, whose branches under way are those of the match. */
  #succeed(bottom: number, onPath: number, end: number): number {
    const stack = this.#stack;
    while (stack.length > bottom) {
      const at = stack.pop()!;
      const pc = stack.pop()!;
      if (pc < 0 && onPath !== UNKNOWN) this.#memo[~pc * (this.#text.length + 1) + at] = onPath;
    }
    return end;
  }
}

/** True if a surrogate pair begins at `index`. */
function isPair(text: string, index: number): boolean {
  return index >= 0 && text.codePointAt(index)! > 0xffff;
}
