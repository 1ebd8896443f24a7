/**
 * The loop of decoding: tokens come from the model one after another, become text, and stop it. How the next token is
 * chosen is the model's business, what the text is shown in the caller's.
 */

import type { ChosenToken } from "./chosen-token.ts";
import type { Sequence } from "./sequence.ts";
import type { Stopping, StopReason } from "./stopping.ts";
import type { Sampling } from "./token-choice.ts";

/**
 * Steps handed to the GPU before the first of them is read: the GPU works on the next token while this side reads the
 * last one. More would only mean more work thrown away at a stop.
 */
const STEPS_AHEAD = 2;

/** Ids to text, as StreamDecoder and ByteDecoder do it. */
export interface AnswerDecoder {
  push(id: number): string;
  flush(): string;
}

/** What an answer has come to so far: all that is needed to go on with it, if need be on another device. */
export interface Draft {
  /** Its tokens; those of a stop string and the end token are among them. */
  readonly ids: number[];
  readonly decoder: AnswerDecoder;
  readonly stopping: Stopping;
}

/** The form that an answer must have. */
export interface Constraint {
  /** A bit an id: those that may come next, [ceil(V / 32)]. None where the answer has ended. */
  readonly mask: Uint32Array;
  /** Goes on after a token that the mask holds. */
  accept(id: number): Promise<void>;
}

export interface DecodeTextOptions {
  /** Has accepted the tokens of the draft. Each token is read before the next one is chosen. */
  constraint?: Constraint | undefined;
  sampling: Sampling;
  /** New tokens at most, as `draft.stopping` knows. */
  maxTokens: number;
  signal: AbortSignal;
  /** Told of text that is certain, never empty. */
  onText: (text: string) => void;
  /** Called with each token of the answer as it is read, and the text that it adds before stop strings are applied. */
  onToken: (token: ChosenToken, text: string) => void;
  /** True if the text that was told ends the answer. */
  isOver?: (() => boolean) | undefined;
}

/**
 * Runs until an end token, a stop text, the limit, a full context, or the signal, behind a sequence that has the prompt
 * and the tokens of the draft. Leaves it with the rows of the answer's tokens, as far as they were run. When it throws,
 * the draft has everything that was told.
 *
 * Returns "outgrown" when the sequence is to be run again (`Sequence.isOutgrown`) before the draft can go on.
 */
export async function decodeText(
  sequence: Sequence,
  { ids, decoder, stopping }: Draft,
  { constraint, sampling, maxTokens, signal, onText, onToken, isOver }: DecodeTextOptions,
): Promise<StopReason | "abort" | "outgrown"> {
  // The last token has no row yet.
  const promptRows = sequence.length - Math.max(0, ids.length - 1);
  const pending: Promise<ChosenToken>[] = [];
  let started = ids.length;
  // The first step only chooses; each later one adds a row.
  const canRun = () => sequence.room > 0 && !sequence.isOutgrown;
  const canStart = () => started < maxTokens && (started === 0 || sequence.isAhead || canRun());
  const isClosed = () => constraint?.mask.every((word) => word === 0) ?? false;
  const stepsAhead = constraint ? 1 : STEPS_AHEAD;
  const show = (text: string) => {
    if (text !== "") onText(text);
  };
  await sequence.choice.prepare(sampling, ids);
  try {
    while (true) {
      while (pending.length < stepsAhead && canStart() && !isClosed()) {
        if (constraint) sequence.choice.restrict(constraint.mask);
        pending.push(sequence.step(sampling));
        started++;
        // The GPU runs the token while this side finds out what may follow it.
        if (constraint && started < maxTokens && canRun()) sequence.runAhead();
      }
      const next = pending.shift();
      if (!next && !isClosed() && sequence.room > 0 && sequence.isOutgrown) return "outgrown";
      // A full context, where no step could be started; or a format that ends where the model has no end token.
      let reason: StopReason | undefined = isClosed() ? "stop" : "length";
      if (next) {
        const token = await next;
        const { id } = token;
        if (signal.aborted) return "abort";
        ids.push(id);
        await constraint?.accept(id);
        const text = stopping.isEos(id) ? "" : decoder.push(id);
        onToken(token, text);
        const update = stopping.push(id, text);
        show(update.text);
        reason = update.reason ?? (isOver?.() ? "stop" : undefined);
      }
      if (reason) {
        const rest = stopping.end(decoder.flush());
        show(rest.text);
        return rest.reason ?? reason;
      }
    }
  } finally {
    await Promise.allSettled(pending);
    sequence.truncate(promptRows + stopping.tokenCount);
  }
}
