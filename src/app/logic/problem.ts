/** Errors as sentences with a next step. */
import { FoveaError, type FoveaErrorCode } from "../../errors.ts";
import { NO_ROOM } from "../../shared/stored-model.ts";

export interface Problem {
  code: FoveaErrorCode | "no-room" | "no-access" | "unexpected";
  /** What went wrong. */
  message: string;
  /** What a person can do about it here. */
  next: string;
}

const NEXT: Record<Problem["code"], string> = {
  "no-webgpu":
    "Fovea computes on the graphics processor through WebGPU. Current Chrome, Edge and Safari have it, Firefox on Windows and macOS too; elsewhere it may have to be switched on in the browser's settings.",
  "device-lost": "The browser took the graphics processor away. Load the model again, or close other heavy tabs first.",
  "out-of-memory": "Choose fewer image tokens, ask with fewer pictures, or take a smaller model.",
  "download-failed": "Check the connection and try again: what has arrived is kept.",
  "no-room": "Delete a stored model under “Models”, or load this one without keeping it.",
  "no-access": "Type an access token of yours in beside the model's name, under “Models”.",
  "hash-mismatch": "A file is not the one that was published. Try again; nothing of it has been used.",
  "bad-weights": "The model's files are damaged or of another kind. Get them again, or choose another model.",
  "unsupported-model":
    "Choose a LLaVA, Llama, Qwen2 or ViT checkpoint with its config.json, tokenizer.json and safetensors files.",
  "context-full": "The conversation is longer than the model can read. Begin a new one.",
  "bad-image": "Choose another picture, or save this one as JPEG or PNG.",
  aborted: "",
  disposed: "",
  unexpected: "Reload the page; if it happens again, it is a mistake of ours.",
};

/** Undefined for what the user asked for. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof FoveaError) {
    if (error.code === "aborted" || error.code === "disposed") return undefined;
    const code = codeOf(error);
    // What is behind the numbers is advice for programs.
    const message = code === "no-room" ? error.message.replace(/;.*/s, "") : error.message.replace(" as hubToken", "");
    return { code, message: sentence(message), next: NEXT[code] };
  }
  const message = error instanceof Error ? error.message : String(error);
  // A wrong address or setting: the engine's message says what it should be.
  const isMisuse = error instanceof TypeError || error instanceof RangeError;
  return { code: "unexpected", message: sentence(message), next: isMisuse ? "" : NEXT.unexpected };
}

function codeOf({ code, message }: FoveaError): Problem["code"] {
  if (code !== "download-failed") return code;
  if (message.startsWith(NO_ROOM)) return "no-room";
  return message.includes("hubToken") ? "no-access" : code;
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
