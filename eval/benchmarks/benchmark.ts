/** A benchmark as data: the source of its questions, their prompts, and the scorer of answers. */
import type { Scorer } from "../scorers/scoring.ts";
import type { DataFolder } from "./data-folder.ts";

/** A picture that is read on demand. */
export interface BenchmarkPicture {
  /** For reports and messages. */
  file: string;
  /** Identifies the picture, without reading all of it. */
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
  /** The question as asked. */
  prompt: string;
  /** Right answers in the file. */
  expected: readonly string[];
  /** Letter -> text, for a multiple choice. */
  options?: Readonly<Record<string, string>>;
  picture(): BenchmarkPicture;
}

export interface ReadOptions {
  /** TextVQA: add the words that a text recogniser found, as LLaVA does. */
  ocr: boolean;
  /** Text after each question, instead of the benchmark's own. */
  suffix: string | undefined;
}

export interface Benchmark {
  /** Name on the command line. */
  name: string;
  title: string;
  /** The scoring rule, in a sentence. */
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
