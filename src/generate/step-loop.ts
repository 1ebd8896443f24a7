/**
 * The loop of decoding: chooses tokens one after another, decodes them to text, and stops. sequence.ts chooses the
 * tokens; the caller shows the text.
 */

import type { ChosenToken } from "./chosen-token.ts";
import type { Sequence } from "./sequence.ts";
import type { Stopping, StopReason } from "./stopping.ts";
import type { Sampling } from "./token-choice.ts";

/**
 * Steps submitted before the first of them is read: the GPU works on the next token while the CPU reads the last one.
 * More steps would only be discarded at a stop.
 */
const STEPS_AHEAD = 2;

/** Decodes ids to text, as StreamDecoder and ByteDecoder do. */
export interface AnswerDecoder {
  push(id: number): string;
  flush(): string;
}

/** The state of an answer so far: all that is needed to continue it, on another device if necessary. */
export interface Draft {
  /** Its tokens, including those of a stop string and the end token. */
  readonly ids: number[];
  readonly decoder: AnswerDecoder;
  readonly stopping: Stopping;
}

/** The form that an answer must have. */
export interface Constraint {
  /** One bit an id, set for ids that may come next, [ceil(V / 32)]. No bit is set where the answer has ended. */
  readonly mask: Uint32Array;
  /** Advances past a token that the mask holds. */
  accept(id: number): Promise<void>;
}

export interface DecodeTextOptions {
  /** Must have accepted the tokens of the draft. With a constraint each token is read before the next one is chosen. */
  constraint?: Constraint | undefined;
  sampling: Sampling;
  /** The most new tokens, as in `draft.stopping`. */
  maxTokens: number;
  signal: AbortSignal;
  /** Called with text that can no longer change. Never empty. */
  onText: (text: string) => void;
  /** Called with each token of the answer as it is read, and with its text before stop strings are applied. */
  onToken: (token: ChosenToken, text: string) => void;
  /** True if the text passed to `onText` ends the answer. */
  isOver?: (() => boolean) | undefined;
}

/**
 * Runs until an end token, a stop string, the limit, a full context, or the signal. The sequence starts with the prompt
 * and the draft's tokens. Afterwards the sequence has the rows of the answer's tokens that ran. When it throws, the
 * draft has all text that was passed to `onText`.
 *
 * Returns "outgrown" when the sequence must run again (`Sequence.isOutgrown`) before the draft can continue.
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
        // The GPU runs the token while the CPU computes the tokens that may follow.
        if (constraint && started < maxTokens && canRun()) sequence.runAhead();
      }
      const next = pending.shift();
      if (!next && !isClosed() && sequence.room > 0 && sequence.isOutgrown) return "outgrown";
      // Either the context is full and no step could start, or a format has ended and the model has no end token.
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
