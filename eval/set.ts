/**
 * Reads the evaluation set of training/draw_eval.py, and the pictures made by hand; both are identified by their
 * contents.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Instruction } from "./instruction-checks.ts";
import type { ClosedSets, Expectation } from "./question-checks.ts";

export interface Question extends Expectation {
  topic: string;
  prompt: string;
  /** The instruction on the answer's form, or null for a plain question. */
  task: Instruction | null;
  /** A right answer, if the set has one. */
  reference?: string;
}

export interface Picture {
  file: string;
  /** SHA-256 of the file, in hex. */
  hash: string;
  /** Number of things in it. */
  things: number;
  questions: Question[];
}

export interface QuestionSet {
  folder: string;
  closed: ClosedSets;
  pictures: Picture[];
}

interface SetFile {
  closed?: ClosedSets;
  items: { image: string; things: unknown[]; questions: Question[] }[];
}

/**
 * Reads `eval.json` of a folder, and its pictures. Throws an Error if one is missing.
 *
 * @param words sets of words for a folder without its own
 */
export function readSet(folder: string, words: ClosedSets = {}): QuestionSet {
  const { closed = words, items } = JSON.parse(readFileSync(join(folder, "eval.json"), "utf8")) as SetFile;
  const pictures = items.map(({ image, things, questions }) => ({
    file: image,
    hash: createHash("sha256")
      .update(readFileSync(join(folder, image)))
      .digest("hex"),
    things: things.length,
    questions,
  }));
  return { folder, closed, pictures };
}
