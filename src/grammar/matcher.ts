/** Formats as grammars of XGrammar, compiled for one vocabulary and followed token by token. Runs in grammar-worker.ts. */
import type { CompiledGrammar, GrammarCompiler, GrammarMatcher } from "@mlc-ai/web-xgrammar";
import { callGrammar } from "./call-grammar.ts";
import { either, FormatError, literal } from "./ebnf.ts";
import type { FormatSource } from "./format-source.ts";
import type { GrammarStep, GrammarVocabulary } from "./protocol.ts";
import { asItself, regexGrammar } from "./regex-grammar.ts";
import { anyJsonGrammar, schemaGrammar } from "./schema-grammar.ts";

type Library = typeof import("@mlc-ai/web-xgrammar");

/** Compiled grammars that are kept. */
const MAX_KEPT = 16;

export class Matcher {
  readonly #library: Library;
  readonly #compiler: GrammarCompiler;
  readonly #words: number;
  readonly #endIds: readonly number[];
  /** Type and text of a format -> its grammar; the last used one last. */
  readonly #compiled = new Map<string, CompiledGrammar>();
  #matcher: GrammarMatcher | undefined;

  private constructor(library: Library, compiler: GrammarCompiler, { lengths, endIds }: GrammarVocabulary) {
    this.#library = library;
    this.#compiler = compiler;
    this.#words = Math.ceil(lengths.length / 32);
    this.#endIds = endIds;
  }

  static async create(library: Library, vocabulary: GrammarVocabulary): Promise<Matcher> {
    const { bytes, lengths, endIds } = vocabulary;
    let at = 0;
    const tokens = Array.from(lengths, (length) => {
      at += length;
      return bytes.subarray(at - length, at);
    });
    // Its types know strings only; bytes are passed on as they are.
    const encoded = tokens as unknown as string[];
    const info = await library.TokenizerInfo.createTokenizerInfo(encoded, "raw", false, lengths.length, [...endIds]);
    return new Matcher(library, await library.GrammarCompiler.createGrammarCompiler(info, false), vocabulary);
  }

  /** Begins an answer. Throws FormatError; the library itself aborts for what it cannot read. */
  async begin(source: FormatSource): Promise<GrammarStep> {
    this.#matcher?.dispose();
    this.#matcher = undefined;
    const grammar = await this.#compile(source);
    this.#matcher = await this.#library.GrammarMatcher.createGrammarMatcher(grammar);
    const step = await this.#step();
    if (!step.mask.some((word) => word !== 0))
      throw new FormatError("none of the model's tokens can begin such an answer");
    return step;
  }

  /** Goes on after a token. Throws Error for one that the mask does not hold. */
  async accept(id: number): Promise<GrammarStep> {
    if (!this.#matcher?.acceptToken(id)) throw new Error(`the token ${id} does not fit the format`);
    if (this.#matcher.isTerminated() || this.#endIds.includes(id)) return { mask: new Uint32Array(this.#words) };
    return this.#step();
  }

  async #step(): Promise<GrammarStep> {
    const mask = await this.#matcher!.getNextTokenBitmask();
    return { mask: new Uint32Array(mask.buffer, mask.byteOffset, mask.length) };
  }

  async #compile(source: FormatSource): Promise<CompiledGrammar> {
    const key = `${source.type} ${source.text}`;
    const known = this.#compiled.get(key);
    this.#compiled.delete(key);
    const compiled = known ?? (await this.#compiler.compileGrammar(grammarOf(source)));
    this.#compiled.set(key, compiled);
    for (const [old, grammar] of this.#compiled) {
      if (this.#compiled.size <= MAX_KEPT) break;
      this.#compiled.delete(old);
      grammar.dispose();
    }
    return compiled;
  }
}

/** EBNF of a format. */
export function grammarOf({ type, text }: FormatSource): string {
  switch (type) {
    case "json":
      return anyJsonGrammar();
    case "json-schema":
      return schemaGrammar(JSON.parse(text));
    case "regex":
      return `root ::= ${regexGrammar(text, asItself)}`;
    case "choice":
      return `root ::= ${either((JSON.parse(text) as string[]).map(literal))}`;
    case "grammar":
      return text;
    case "calls":
      return callGrammar(JSON.parse(text));
  }
}
