/** Numbers, phases and errors as text for users. */
import type { GenerationStats, LoadProgress } from "../api.ts";
import { FoveaError } from "../errors.ts";

/** A number of bytes: "21.8 MB". */
export function byteText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** A duration: "85 ms", "3.2 s". */
export function durationText(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Progress of a load: "Loading the model: 12.5 MB of 44.0 MB". */
export function progressText(progress: LoadProgress | undefined, waiting: boolean): string {
  if (waiting) return "Waiting: another tab is using the GPU";
  switch (progress?.stage) {
    case "weights":
      return `Loading the model: ${byteText(progress.loadedBytes)} of ${byteText(progress.totalBytes)}`;
    case "compile":
    case "ready":
      return "Preparing the GPU";
    default:
      return "Reading the model's settings";
  }
}

/** True if an error is an abort by the user. */
export function isAbort(error: unknown): boolean {
  return error instanceof FoveaError && error.code === "aborted";
}

/** Starts of messages that are no prose: a file's name, which may have spaces, an address, an option of the library. */
const NAME =
  /^(\S*[./:\\_[]|[a-z]+[A-Z]|(?!it |they )[a-z]+ must |(?!(the|this|an?|no|not) )((?!\. )[^:;])*\.\w{1,12}(: | is | has | can ))/;

/** An error as a sentence. A name at its start keeps its case. */
export function errorSentence(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).trim() || "Unknown error";
  const start = NAME.test(message) ? message.charAt(0) : message.charAt(0).toUpperCase();
  return `${start}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
}

/** The last failure of a transfer: no server, or one that stopped answering. */
const UNREACHABLE = /the connection to (https?:\/\/[^\s/]+)\S* failed \(/;

/** The user's next step where the engine's message is meant for programmers. */
const NO_WEBGPU =
  "Fovea needs WebGPU. Current Chrome, Edge and Safari have it, and Firefox on Windows and on Macs with Apple silicon. In Firefox on Linux, set dom.webgpu.enabled to true in about:config.";

/**
 * An error in few words. `next` is the user's next step, where the engine's message is meant for programmers; `details`
 * are the engine's own words, where they say more.
 */
export function errorWords(error: unknown): { text: string; next?: string; details?: string } {
  const sentence = errorSentence(error);
  if (error instanceof FoveaError && error.code === "no-webgpu") return { text: sentence, next: NO_WEBGPU };
  const server = UNREACHABLE.exec(sentence)?.[1];
  return server
    ? {
        text: `${serverName(server)} cannot be reached.`,
        next: "Check the connection and try again.",
        details: sentence,
      }
    : { text: sentence };
}

function serverName(origin: string): string {
  const { host } = new URL(origin);
  return host === "huggingface.co" ? "Hugging Face" : host;
}

/** An answer's statistics: "288 of 576 image tokens · 41 tokens in 2.1 s, 19.5 per second". */
export function statsText({
  imageTokensBefore,
  imageTokensAfter,
  newTokens,
  totalMs,
  tokensPerSecond,
}: GenerationStats): string {
  const picture = imageTokensBefore > 0 ? [`${imageTokensAfter} of ${imageTokensBefore} image tokens`] : [];
  const speed = tokensPerSecond > 0 ? `, ${tokensPerSecond.toFixed(1)} per second` : "";
  return [...picture, `${newTokens} tokens in ${durationText(totalMs)}${speed}`].join(" · ");
}
