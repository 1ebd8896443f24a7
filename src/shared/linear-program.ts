/** Compiles a regular expression, in JavaScript's syntax under the flags "gu", to the program of linear-pattern.ts. */

export type Step =
  | { op: "character"; test: (point: number) => boolean; isBackward: boolean }
  /** Tries `first`, then `second`. */
  | { op: "branch"; branch: number; first: number; second: number }
  | { op: "jump"; to: number }
  | { op: "assert"; holds: (text: string, at: number) => boolean }
  /** Goes on if the program at `to` matches here, or with `isNegative` if it does not. */
  | { op: "look"; to: number; isNegative: boolean }
  | { op: "match" };

export interface Program {
  code: readonly Step[];
  start: number;
  branches: number;
}

/** Published patterns of tokenizers have up to 40 branches; "\p{N}{1,3}" takes two. */
const MAX_BRANCHES = 128;
const MAX_STEPS = 4096;
const MAX_SOURCE_LENGTH = 16_384;

type Node =
  | { kind: "character"; test: (point: number) => boolean }
  | { kind: "sequence"; parts: Node[] }
  | { kind: "choice"; options: Node[] }
  | { kind: "repeat"; part: Node; min: number; max: number; isLazy: boolean }
  | { kind: "look"; part: Node; isBehind: boolean; isNegative: boolean }
  | { kind: "assert"; holds: (text: string, at: number) => boolean };

/** @throws SyntaxError for a source that is malformed, refused or too large */
export function compilePattern(source: string, maxBranches = MAX_BRANCHES): Program {
  if (source.length > MAX_SOURCE_LENGTH)
    throw new SyntaxError(`it has ${source.length} characters, the limit is ${MAX_SOURCE_LENGTH}`);
  // JavaScript's own reader finds what is malformed. Not every browser's knows groups without regard to case.
  new RegExp(source.replaceAll("(?i:", "(?:"), "u");
  return new Compiler(maxBranches).compile(new Reader(source).read());
}

class Reader {
  readonly #source: string;
  #at = 0;
  #isCaseless = false;

  constructor(source: string) {
    this.#source = source;
  }

  read(): Node {
    return this.#choice();
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#takes("|")) options.push(this.#sequence());
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at]!)) parts.push(this.#repeated());
    return { kind: "sequence", parts };
  }

  #repeated(): Node {
    const part = this.#atom();
    const [whole, simple, least, more, most] = this.#match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})/y) ?? [];
    if (whole === undefined) return part;
    const min = simple ? (simple === "+" ? 1 : 0) : Number(least);
    const max = simple ? (simple === "?" ? 1 : Infinity) : more ? (most ? Number(most) : Infinity) : min;
    return { kind: "repeat", part, min, max, isLazy: this.#takes("?") };
  }

  #atom(): Node {
    const group = this.#match(/\((?:\?(?:(<?[=!])|(i?):|<(?![=!])[^>]*>))?/y);
    if (group && this.#source[this.#at] === "?") throw new SyntaxError("it sets flags, which is not supported");
    if (group) return this.#group(group[1], group[2]);
    if (this.#takes("^")) return { kind: "assert", holds: (_, at) => at === 0 };
    if (this.#takes("$")) return { kind: "assert", holds: (text, at) => at === text.length };
    const bound = this.#match(/\\[bB]/y);
    if (bound) {
      const isWord = (text: string, at: number) => /\w/.test(text.charAt(at));
      const isBound = (text: string, at: number) => isWord(text, at - 1) !== isWord(text, at);
      return { kind: "assert", holds: bound[0] === "\\b" ? isBound : (text, at) => !isBound(text, at) };
    }
    if (this.#match(/\\(?:[1-9]|k<)/y)) throw new SyntaxError("it refers back to a group, which is not supported");
    const single = this.#match(/\[(?:[^\]\\]|\\.)*\]|\\(?:[pPu]\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c.|.)|./suy);
    return { kind: "character", test: characterTest(single![0], this.#isCaseless) };
  }

  #group(look: string | undefined, flags: string | undefined): Node {
    const outer = this.#isCaseless;
    if (flags) this.#isCaseless = true;
    const part = this.#choice();
    this.#takes(")");
    this.#isCaseless = outer;
    if (!look) return part;
    return { kind: "look", part, isBehind: look.startsWith("<"), isNegative: look.endsWith("!") };
  }

  #takes(character: string): boolean {
    const isHere = this.#source[this.#at] === character;
    if (isHere) this.#at++;
    return isHere;
  }

  /** @param pattern sticky */
  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source) ?? undefined;
    if (found) this.#at += found[0].length;
    return found;
  }
}

const ASCII = 128;
/** Characters whose test is remembered, for each class; a text has a few hundred different ones. */
const MAX_KNOWN = 4096;

/** Returns a test of one character against a class, an escape or a character. One character cannot backtrack. */
function characterTest(source: string, isCaseless: boolean): (point: number) => boolean {
  const pattern = new RegExp(`^(?:${source})$`, isCaseless ? "iu" : "u");
  const test = (point: number) => pattern.test(String.fromCodePoint(point));
  const ascii = Array.from({ length: ASCII }, (_, point) => test(point));
  const known = new Map<number, boolean>();
  return (point) => {
    if (point < ASCII) return ascii[point]!;
    let result = known.get(point);
    if (result === undefined) {
      result = test(point);
      if (known.size < MAX_KNOWN) known.set(point, result);
    }
    return result;
  };
}

function mayBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case "character":
      return false;
    case "sequence":
      return node.parts.every(mayBeEmpty);
    case "choice":
      return node.options.some(mayBeEmpty);
    case "repeat":
      return node.min === 0 || mayBeEmpty(node.part);
    default:
      return true;
  }
}

class Compiler {
  readonly #code: Step[] = [];
  readonly #maxBranches: number;
  #branches = 0;

  constructor(maxBranches: number) {
    this.#maxBranches = maxBranches;
  }

  compile(node: Node): Program {
    this.#write(node, false);
    this.#add({ op: "match" });
    return { code: this.#code, start: 0, branches: this.#branches };
  }

  #write(node: Node, isBackward: boolean): void {
    switch (node.kind) {
      case "character":
        this.#add({ op: "character", test: node.test, isBackward });
        return;
      case "sequence":
        for (const part of isBackward ? node.parts.toReversed() : node.parts) this.#write(part, isBackward);
        return;
      case "choice":
        this.#writeChoice(node.options, isBackward);
        return;
      case "repeat":
        this.#writeRepeat(node, isBackward);
        return;
      case "look":
        this.#writeLook(node);
        return;
      case "assert":
        this.#add({ op: "assert", holds: node.holds });
    }
  }

  #writeChoice(options: readonly Node[], isBackward: boolean): void {
    const ends = options.map((option, i) => {
      const branch = i < options.length - 1 ? this.#branch() : undefined;
      if (branch) branch.first = this.#code.length;
      this.#write(option, isBackward);
      const end = branch && this.#add({ op: "jump", to: 0 });
      if (branch) branch.second = this.#code.length;
      return end;
    });
    for (const end of ends) if (end) end.to = this.#code.length;
  }

  #writeRepeat({ part, min, max, isLazy }: Node & { kind: "repeat" }, isBackward: boolean): void {
    if (max > 1 && mayBeEmpty(part)) throw new SyntaxError("it repeats what may be empty, which is not supported");
    for (let i = 0; i < min; i++) this.#write(part, isBackward);
    const optional = max === Infinity ? 1 : max - min;
    const branches = [];
    for (let i = 0; i < optional; i++) {
      const branch = this.#branch();
      branches.push(branch);
      branch[isLazy ? "second" : "first"] = this.#code.length;
      const head = this.#code.length - 1;
      this.#write(part, isBackward);
      if (max === Infinity) this.#add({ op: "jump", to: head });
    }
    for (const branch of branches) branch[isLazy ? "first" : "second"] = this.#code.length;
  }

  #writeLook({ part, isBehind, isNegative }: Node & { kind: "look" }): void {
    const look = this.#add({ op: "look", to: this.#code.length + 2, isNegative });
    const over = this.#add({ op: "jump", to: 0 });
    look.to = this.#code.length;
    this.#write(part, isBehind);
    this.#add({ op: "match" });
    over.to = this.#code.length;
  }

  #branch() {
    return this.#add({ op: "branch", branch: this.#branches++, first: 0, second: 0 });
  }

  #add<Added extends Step>(step: Added): Added {
    if (this.#code.length >= MAX_STEPS || this.#branches > this.#maxBranches)
      throw new SyntaxError(`it takes more than ${this.#maxBranches} branches or ${MAX_STEPS} steps; shorten it`);
    this.#code.push(step);
    return step;
  }
}
