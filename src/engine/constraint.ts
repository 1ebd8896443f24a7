/** The format of one answer: the tokens that may come next. */
import type { GenerationEvent } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { Constraint } from "../generate/step-loop.ts";
import type { FormatSource } from "../grammar/format-source.ts";
import type { Grammars } from "../grammar/grammars.ts";
import type { GrammarVocabulary } from "../grammar/protocol.ts";
import { ByteDecoder } from "../text/token-bytes.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** The workers of one model: one for formats, and one for calls, where the convention's special tokens are text. */
export class AnswerGrammars {
  readonly #engine: () => { tokenizer: Tokenizer; vocabularySize: number };
  #formats: Promise<Grammars> | undefined;
  #calls: Promise<Grammars> | undefined;

  /** @param engine called when the first request needs a worker */
  constructor(engine: () => { tokenizer: Tokenizer; vocabularySize: number }) {
    this.#engine = engine;
  }

  formats(): Promise<Grammars> {
    this.#formats ??= this.#make(new Set(), "format");
    return this.#formats;
  }

  /** @param markIds the same for all answers of a model */
  calls(markIds: ReadonlySet<number>): Promise<Grammars> {
    this.#calls ??= this.#make(markIds, "tools");
    return this.#calls;
  }

  /** Ends the workers. Safe to call twice. */
  dispose(): void {
    for (const made of [this.#formats, this.#calls])
      void made?.then(
        (grammars) => grammars.dispose(),
        () => {},
      );
  }

  async #make(markIds: ReadonlySet<number>, field: string): Promise<Grammars> {
    // Most models never need a format.
    const { Grammars } = await import("../grammar/grammars.ts");
    return new Grammars(() => {
      const { tokenizer, vocabularySize } = this.#engine();
      return vocabularyOf(tokenizer, vocabularySize, markIds);
    }, field);
  }
}

/**
 * Begins an answer, and loads the library that it needs. Throws as `Grammars.begin`, and FoveaError `unsupported-model` for a
 * tokenizer without bytes.
 *
 * @param emit called while the library loads
 */
export async function beginConstraint(
  grammars: Grammars,
  source: FormatSource,
  tokenizer: Tokenizer,
  signal: AbortSignal,
  emit: (event: GenerationEvent) => void,
): Promise<Constraint> {
  if (!tokenizer.hasBytes)
    throw new FoveaError(
      "unsupported-model",
      "this model cannot follow a format: the text of its tokens depends on their neighbours, as in WordPiece",
    );
  if (!grammars.isReady) {
    const { library } = grammars;
    const start = performance.now();
    emit({ type: "library", ...library });
    await grammars.start(signal);
    emit({ type: "library", ...library, milliseconds: performance.now() - start });
  }
  let { mask } = await grammars.begin(source, signal);
  return {
    get mask() {
      return mask;
    },
    accept: async (id) => {
      ({ mask } = await grammars.accept(id));
    },
  };
}

/**
 * Text of an answer with a format: each byte counts, also a space at its start.
 *
 * @param markIds control tokens that are text
 */
export function formatDecoder(tokenizer: Tokenizer, markIds: ReadonlySet<number> = new Set()): ByteDecoder {
  return new ByteDecoder((id) =>
    tokenizer.isControl(id) && !markIds.has(id) ? new Uint8Array() : tokenizer.bytes(id),
  );
}

function vocabularyOf(tokenizer: Tokenizer, vocabularySize: number, markIds: ReadonlySet<number>): GrammarVocabulary {
  const lengths = new Uint32Array(vocabularySize);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let id = 0; id < vocabularySize; id++) {
    if (!tokenizer.hasId(id) || (tokenizer.isControl(id) && !markIds.has(id))) continue;
    const bytes = tokenizer.bytes(id);
    parts.push(bytes);
    lengths[id] = bytes.length;
    total += bytes.length;
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, lengths, endIds: tokenizer.eosIds.filter((id) => id < vocabularySize) };
}
