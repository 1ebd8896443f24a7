/** The camera's live mode: asks a question about what it sees now, again and again, with a pause between answers. */
import type { FoveaModel } from "../../api.ts";
import { FoveaError, throwIfAborted } from "../../errors.ts";
import { pause } from "../../shared/pause.ts";
import { requestOf, type Settings } from "./settings.ts";

/** Time to read an answer, and for the machine to cool: without it the GPU never rests. */
export const PAUSE_MS = 1500;
/** An answer of a moment is short. */
const MAX_TOKENS = 64;

/** An answer as far as it has come. */
export interface LiveAnswer {
  text: string;
  /** From 1. */
  number: number;
  /** From the picture to the last word; undefined while the answer is written. */
  milliseconds?: number;
}

export interface LiveOptions {
  question: string;
  settings: Settings;
  /** A picture of this moment. It is closed after its answer. */
  take(): Promise<ImageBitmap>;
  /** Called with each piece of each answer. */
  onAnswer(answer: LiveAnswer): void;
  signal: AbortSignal;
}

/**
 * Runs until the signal aborts. Each answer sees its picture only, not those before: a conversation would fill the
 * context in a minute.
 *
 * @throws as `generate`; FoveaError `aborted` at the end
 */
export async function watch(model: FoveaModel, { question, settings, take, onAnswer, signal }: LiveOptions) {
  if (!model.info.takesPictures)
    throw new FoveaError("bad-image", "this model reads text only; choose one that reads pictures");
  const { attention: _, ...request } = requestOf(settings, model.info);
  const maxTokens = Math.min(request.maxTokens ?? MAX_TOKENS, MAX_TOKENS);
  for (let number = 1; ; number++) {
    throwIfAborted(signal, "the camera");
    const start = performance.now();
    const image = await take();
    try {
      const content = [
        { type: "image" as const, image },
        { type: "text" as const, text: question },
      ];
      const messages = [{ role: "user" as const, content }];
      let text = "";
      for await (const event of model.generate({ ...request, maxTokens, messages, signal })) {
        if (event.type !== "text") continue;
        text += event.text;
        onAnswer({ text, number });
      }
      throwIfAborted(signal, "the camera");
      onAnswer({ text, number, milliseconds: performance.now() - start });
    } finally {
      image.close();
    }
    await pause(PAUSE_MS, signal);
  }
}
