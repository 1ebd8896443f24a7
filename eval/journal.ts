/**
 * Answers on disk, one JSON line each, appended as they come. An interrupted run continues where it stopped, and
 * answers can be judged again without asking. The key of an answer is everything that it depends on.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Compression, Inhibition } from "../src/api.ts";

export interface AnswerRecord {
  key: string;
  /** For readers of the file; the key has more parts. */
  setting: string;
  picture: string;
  prompt: string;
  answer: string;
  /** "length" for an answer that was cut off. */
  reason: "stop" | "length" | "abort";
  newTokens: number;
  imageTokens: number;
  /** Total time of the answer, including the encoding of a reused picture. */
  milliseconds: number;
  /** The build of the library that answered; not part of the key. */
  library: string;
  adapter: string;
}

/** The parts of an answer's key. */
export interface KeyParts {
  model: string;
  picture: string;
  messages: { role: string; text: string }[];
  compression: Compression;
  inhibition: Inhibition;
  maxTokens: number;
}

/** The key of an answer: 24 hexadecimal digits of the SHA-256 of everything that it depends on. */
export function answerKey(parts: KeyParts): string {
  return createHash("sha256").update(canonical(parts)).digest("hex").slice(0, 24);
}

/** JSON independent of the order of fields. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The answers of a file, by key. Appends new ones at once. */
export class Journal {
  readonly #file: string;
  readonly #records = new Map<string, AnswerRecord>();

  /** Reads the stored answers. An incomplete last line is dropped, and asked again. */
  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) return;
    const text = readFileSync(file, "utf8");
    for (const line of text.split("\n").filter(Boolean)) {
      const record = parseLine(line);
      if (record) this.#records.set(record.key, record);
    }
    // Otherwise the next line would join the incomplete one.
    if (text !== "" && !text.endsWith("\n")) appendFileSync(file, "\n");
  }

  get(key: string): AnswerRecord | undefined {
    return this.#records.get(key);
  }

  add(record: AnswerRecord): void {
    this.#records.set(record.key, record);
    appendFileSync(this.#file, `${JSON.stringify(record)}\n`);
  }
}

function parseLine(line: string): AnswerRecord | undefined {
  try {
    const record = JSON.parse(line) as AnswerRecord;
    return typeof record?.key === "string" && typeof record.answer === "string" ? record : undefined;
  } catch {
    return undefined;
  }
}
