/** Random answers of a grammar, over a vocabulary of bytes and a few longer tokens. Node only. */
import { Matcher } from "../../src/grammar/matcher.ts";
import type { Random } from "./random.ts";
import { loadGrammarLibrary } from "./xgrammar.ts";

const UTF8 = new TextEncoder();
/** Every byte, and tokens that cross the borders of JSON's parts. */
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...[
    '{"',
    '": ',
    '", "',
    "}]",
    '"}',
    '""',
    "[]",
    "{}",
    "true",
    "null",
    "12",
    "-1",
    "é",
    "€",
    ": [",
    ', "a',
    '"abc',
    '", "ab',
    "abcd",
    "\\n",
    "\\u00",
    "éé",
  ].map((text) => UTF8.encode(text)),
];
const END = TOKENS.length;

/** @param onCompile called whenever the library compiles a grammar */
export async function makeMatcher(onCompile = () => {}) {
  const bytes = Uint8Array.from([...TOKENS.flatMap((token) => [...token])]);
  const lengths = Uint32Array.from([...TOKENS.map((token) => token.length), 0]);
  const library = await loadGrammarLibrary();
  const createGrammarCompiler: typeof library.GrammarCompiler.createGrammarCompiler = async (...args) => {
    const compiler = await library.GrammarCompiler.createGrammarCompiler(...args);
    const { compileGrammar } = compiler;
    compiler.compileGrammar = ((...given: Parameters<typeof compileGrammar>) => {
      onCompile();
      return compileGrammar.apply(compiler, given);
    }) as typeof compileGrammar;
    return compiler;
  };
  const counted = { ...library, GrammarCompiler: { createGrammarCompiler } } as unknown as typeof library;
  return Matcher.create(counted, { bytes, lengths, endIds: [END] });
}

/**
 * An answer of random tokens; undefined where it has not ended after 400.
 *
 * @param closers characters that end what has become long
 */
export async function walk(matcher: Matcher, source: Parameters<Matcher["begin"]>[0], random: Random, closers = '"]}') {
  let { mask } = await matcher.begin(source);
  const bytes: number[] = [];
  for (let step = 0; step < 400; step++) {
    const ids = Array.from({ length: END + 1 }, (_, id) => id).filter((id) => (mask[id >> 5]! >>> (id & 31)) & 1);
    if (ids.length === 0) throw new Error("no token is allowed");
    // Ends where it may after a while, and prefers what closes.
    const closing = ids.filter(
      (id) => id === END || (step > 40 && closers.includes(String.fromCharCode(TOKENS[id]?.[0] ?? 0))),
    );
    const choices = closing.length > 0 && random.uniform() < 0.6 ? closing : ids;
    const id = choices[random.integer(0, choices.length - 1)]!;
    if (id === END) return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
    bytes.push(...TOKENS[id]!);
    ({ mask } = await matcher.accept(id));
  }
  return undefined;
}

/** Text of a token, one character a byte; empty for the end. */
export function tokenAt(id: number): string {
  return String.fromCharCode(...(TOKENS[id] ?? []));
}
