/** A benchmark as data: where its questions come from, how they are asked, and who scores the answers. */
import type { Scorer } from "../scorers/scoring.ts";
import type { DataFolder } from "./data-folder.ts";

/** A picture that is read when it is asked about. */
export interface BenchmarkPicture {
  /** For reports and messages. */
  file: string;
  /** Tells it from other pictures, without reading all of it. */
  hash: string;
  /** Throws an Error of one line if it cannot be read. */
  read(): Promise<Uint8Array>;
}

export interface BenchmarkQuestion {
  /** Unique in the benchmark. */
  id: string;
  /** Questions of one unit are asked and scored together. */
  unit: string;
  category: string;
  /** As it is asked. */
  prompt: string;
  /** Right answers, as the file has them. */
  expected: readonly string[];
  /** Letter -> text, of a multiple choice. */
  options?: Readonly<Record<string, string>>;
  picture(): BenchmarkPicture;
}

export interface ReadOptions {
  /** TextVQA: add the words that a text recogniser found, as LLaVA does. */
  ocr: boolean;
  /** Text after each question, in place of the benchmark's own. */
  suffix: string | undefined;
}

export interface Benchmark {
  /** As on the command line. */
  name: string;
  title: string;
  /** How its answers are judged, in a sentence. */
  rule: string;
  /** Longest answer. */
  maxTokens: number;
  /** Throws an Error of one line, with the file, the place in it and the next step. */
  read(data: DataFolder, options: ReadOptions): Promise<BenchmarkQuestion[]>;
  score: Scorer;
}

/** LLaVA's text after questions whose answer is short. */
export const SHORT_ANSWER = "Answer the question using a single word or phrase.";

/** A question with the text that follows it on a line of its own. */
export function withSuffix(question: string, own: string, { suffix }: ReadOptions): string {
  const text = suffix ?? own;
  return text === "" ? question : `${question}\n${text}`;
}
