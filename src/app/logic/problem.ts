/** Errors as sentences with a next step. */
import { errorSentence, errorWords } from "../../element/wording.ts";
import { FoveaError, type FoveaErrorCode } from "../../errors.ts";
import { NO_ROOM } from "../../shared/stored-model.ts";

export interface Problem {
  code: FoveaErrorCode | "no-room" | "no-access" | "unexpected";
  /** The event itself, in a sentence. */
  message: string;
  /** The user's next step on this page. */
  next: string;
  /** The engine's own words, where `message` is shorter. */
  details?: string;
}

const NEXT: Record<Exclude<Problem["code"], "no-webgpu">, string> = {
  "device-lost": "The browser took the GPU away. Close other heavy tabs, then load the model again.",
  "out-of-memory": "Use fewer image tokens, fewer pictures, or a smaller model.",
  "download-failed": "Check the connection and try again.",
  "no-room": "Delete a stored model under “Models”, or load this one without storing.",
  "no-access": "Enter your access token with the model's name, under “Models”.",
  "hash-mismatch": "A file does not match the published one, and was not used. Try again.",
  "bad-weights": "The model's files are damaged or in another format. Download them again, or choose another model.",
  "unsupported-model": "Choose a supported model, with its config.json, tokenizer.json and safetensors files.",
  "context-full": "The conversation is too long for the model. Shorten the question, or start a new conversation.",
  "server-failed": "Check the server under “Models”, or ask again.",
  "bad-image": "Choose another picture, or save this one as JPEG or PNG.",
  aborted: "",
  disposed: "",
  unexpected: "Reload the page. If it happens again, please report it.",
};

/** The problem to show; undefined for an abort by the user. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof FoveaError) {
    if (error.code === "aborted" || error.code === "disposed") return undefined;
    const code = codeOf(error);
    if (code === "no-webgpu") {
      const { text, next = "" } = errorWords(error);
      return { code, message: text, next };
    }
    // The rest of the message is advice for programmers.
    const message = code === "no-room" ? error.message.replace(/;.*/s, "") : error.message.replace(" as hubToken", "");
    if (code !== "download-failed") return { code, message: errorSentence(message), next: NEXT[code] };
    const next = NEXT[code];
    const { text, details } = errorWords(message);
    return { code, message: text, next, ...(details && { details }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  // A wrong address or setting: the engine's message says what is expected.
  const isMisuse = error instanceof TypeError || error instanceof RangeError;
  return { code: "unexpected", message: errorSentence(message), next: isMisuse ? "" : NEXT.unexpected };
}

function codeOf({ code, message }: FoveaError): Problem["code"] {
  if (code !== "download-failed") return code;
  if (message.startsWith(NO_ROOM)) return "no-room";
  return message.includes("hubToken") ? "no-access" : code;
}
