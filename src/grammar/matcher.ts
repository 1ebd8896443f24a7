/**
 * Formats as grammars of XGrammar, compiled for one vocabulary and followed token by token. Runs in grammar-worker.ts.
 */
import type { CompiledGrammar, GrammarCompiler, GrammarMatcher } from "@mlc-ai/web-xgrammar";
import { callGrammar } from "./call-grammar.ts";
import { LengthFilter, MARK_BYTE, MAX_BOUNDS, markOf, TokenLengths } from "./counted-strings.ts";
import { either, FormatError, literal } from "./ebnf.ts";
import type { FormatSource } from "./format-source.ts";
import { anyJsonGrammar } from "./json-rules.ts";
import type { GrammarStep, GrammarVocabulary } from "./protocol.ts";
import { asItself, regexGrammar } from "./regex-grammar.ts";
import { type CountedGrammar, schemaGrammar } from "./schema-grammar.ts";

type Library = typeof import("@mlc-ai/web-xgrammar");

/** Compiled grammars that are kept. */
const MAX_KEPT = 16;

/** A format, ready to be followed. */
interface Compiled {
  grammar: CompiledGrammar;
  /** Of its strings with bounds. */
  lengths: LengthFilter | undefined;
}

/** Follows one answer at a time; keeps the latest compiled formats. */
export class Matcher {
  readonly #library: Library;
  readonly #compiler: GrammarCompiler;
  readonly #vocabulary: GrammarVocabulary;
  /** Made with the first format that counts. */
  #tokens: TokenLengths | undefined;
  /** Type and text of a format -> its grammar; the last used one last. */
  readonly #compiled = new Map<string, Compiled>();
  #matcher: GrammarMatcher | undefined;
  #lengths: LengthFilter | undefined;

  private constructor(library: Library, compiler: GrammarCompiler, vocabulary: GrammarVocabulary) {
    this.#library = library;
    this.#compiler = compiler;
    this.#vocabulary = vocabulary;
  }

  static async create(library: Library, vocabulary: GrammarVocabulary): Promise<Matcher> {
    const { bytes, lengths, endIds } = vocabulary;
    let at = 0;
    const tokens = Array.from(lengths, (length) => {
      at += length;
      const token = bytes.subarray(at - length, at);
      // Never part of UTF-8, and it would begin a mark.
      return token.includes(MARK_BYTE) ? new Uint8Array() : token;
    });
    for (let i = 0; i < MAX_BOUNDS; i++) tokens.push(markOf(i));
    // Its types know strings only; bytes are passed on as they are.
    const encoded = tokens as unknown as string[];
    const info = await library.TokenizerInfo.createTokenizerInfo(encoded, "raw", false, tokens.length, [...endIds]);
    return new Matcher(library, await library.GrammarCompiler.createGrammarCompiler(info, false), vocabulary);
  }

  /** Begins an answer. Throws FormatError; the library itself aborts for what it cannot read. */
  async begin(source: FormatSource): Promise<GrammarStep> {
    this.#matcher?.dispose();
    this.#matcher = undefined;
    const { grammar, lengths } = await this.#compile(source);
    this.#lengths = lengths;
    lengths?.begin();
    this.#matcher = await this.#library.GrammarMatcher.createGrammarMatcher(grammar);
    const step = await this.#step();
    if (!step.mask.some((word) => word !== 0))
      throw new FormatError("none of the model's tokens can begin such an answer");
    return step;
  }

  /** Goes on after a token. Throws Error for one that the mask does not hold. */
  async accept(id: number): Promise<GrammarStep> {
    if (!this.#matcher?.acceptToken(id)) throw new Error(`the token ${id} does not fit the format`);
    this.#lengths?.accept(id);
    const { lengths, endIds } = this.#vocabulary;
    if (this.#matcher.isTerminated() || endIds.includes(id))
      return { mask: new Uint32Array(Math.ceil(lengths.length / 32)) };
    return this.#step();
  }

  async #step(): Promise<GrammarStep> {
    const bits = await this.#matcher!.getNextTokenBitmask();
    const size = this.#vocabulary.lengths.length;
    const mask = new Uint32Array(bits.subarray(0, Math.ceil(size / 32)));
    // Marks follow the vocabulary.
    if (size % 32 !== 0) mask[mask.length - 1]! &= 2 ** (size % 32) - 1;
    this.#lengths?.apply(mask, (i) => ((bits[(size + i) >> 5]! >>> ((size + i) & 31)) & 1) === 1);
    return { mask };
  }

  async #compile(source: FormatSource): Promise<Compiled> {
    const key = `${source.type} ${source.text}`;
    const known = this.#compiled.get(key);
    this.#compiled.delete(key);
    const compiled = known ?? (await this.#compileNew(source));
    this.#compiled.set(key, compiled);
    for (const [old, { grammar }] of this.#compiled) {
      if (this.#compiled.size <= MAX_KEPT) break;
      this.#compiled.delete(old);
      grammar.dispose();
    }
    return compiled;
  }

  async #compileNew(source: FormatSource): Promise<Compiled> {
    const { ebnf, bounds } = grammarOf(source);
    const grammar = await this.#compiler.compileGrammar(ebnf);
    if (bounds.length === 0) return { grammar, lengths: undefined };
    this.#tokens ??= new TokenLengths(this.#vocabulary);
    return { grammar, lengths: new LengthFilter(this.#tokens, bounds) };
  }
}

function grammarOf({ type, text }: FormatSource): CountedGrammar {
  const plain = (ebnf: string) => ({ ebnf, bounds: [] });
  switch (type) {
    case "json":
      return plain(anyJsonGrammar());
    case "json-schema":
      return schemaGrammar(JSON.parse(text));
    case "regex":
      return plain(`root ::= ${regexGrammar(text, asItself)}`);
    case "choice":
      return plain(`root ::= ${either((JSON.parse(text) as string[]).map(literal))}`);
    case "grammar":
      return plain(text);
    case "calls":
      return callGrammar(JSON.parse(text));
  }
}
