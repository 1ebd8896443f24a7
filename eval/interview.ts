/**
 * Asks the model the items without an answer in the journal, one by one. An answer from the description alone takes two
 * questions; both are stored. score.ts judges the answers.
 */
import type { Compression, Inhibition } from "../src/api.ts";
import { type AnswerRecord, answerKey, type Journal } from "./journal.ts";
import type { PageQuestion } from "./page.mjs";
import type { Setting } from "./settings.ts";

/** Longest answer of the shipped set, in tokens: one and a half times the longest answer of the training. */
const MAX_TOKENS = 96;
/** One of the training's wordings, asked before an answer from the description alone. */
const DESCRIBE = "Describe the picture.";

export interface PageReply {
  text: string;
  reason: "stop" | "length" | "abort";
  stats: { newTokens: number; imageTokensAfter: number; totalMs: number };
}

/** Answers questions: a page, or a test's replacement. */
export interface Respondent {
  ask(question: PageQuestion): Promise<PageReply>;
}

/** A question of any set under a setting. */
export interface Asking {
  setting: Setting;
  picture: { file: string; hash: string };
  question: { prompt: string };
}

export interface InterviewOptions<One extends Asking> {
  respondent: Respondent;
  journal: Journal;
  /** Hash of the model. */
  model: string;
  /** Hash of the library's build, and name of the adapter, for the record. */
  library: string;
  adapter: string;
  /** Address of a picture in the page. */
  addressOf: (item: One) => string;
  /** Longest answer, default `MAX_TOKENS`. */
  maxTokens?: number;
}

/** One question to the model, without the fields that identify it. */
interface Asked {
  messages: PageQuestion["messages"];
  sees: boolean;
  compression: Compression;
  inhibition: Inhibition;
  maxTokens: number;
}

/** The answer that the model (by its hash) gave to an item, if the journal has it. */
export function knownAnswer(
  journal: Journal,
  model: string,
  item: Asking,
  maxTokens = MAX_TOKENS,
): AnswerRecord | undefined {
  const asked = finalQuestion(journal, model, item, maxTokens);
  return asked && journal.get(keyOf(model, item, asked));
}

/** Answers single items: from the journal, or else by asking the model. */
export class Interview<One extends Asking> {
  readonly #options: InterviewOptions<One>;

  constructor(options: InterviewOptions<One>) {
    this.#options = options;
  }

  /** The stored or new answer. */
  async answer(item: One): Promise<AnswerRecord> {
    const { journal, model, maxTokens = MAX_TOKENS } = this.#options;
    if (item.setting.describeFirst) await this.#ask(item, describe(item));
    const asked = finalQuestion(journal, model, item, maxTokens);
    if (!asked) throw new Error("a description went missing from the journal");
    return this.#ask(item, asked);
  }

  async #ask(item: One, asked: Asked): Promise<AnswerRecord> {
    const { respondent, journal, model, library, adapter, addressOf } = this.#options;
    const key = keyOf(model, item, asked);
    const known = journal.get(key);
    if (known) return known;
    const { messages, sees, compression, inhibition, maxTokens } = asked;
    const picture = sees ? addressOf(item) : undefined;
    const question = { picture, messages, compression, inhibition, maxTokens };
    const { text, reason, stats } = await respondent.ask(question);
    const record: AnswerRecord = {
      key,
      setting: item.setting.id,
      picture: item.picture.file,
      prompt: messages.at(-1)?.text ?? "",
      answer: text,
      reason,
      newTokens: stats.newTokens,
      imageTokens: stats.imageTokensAfter,
      milliseconds: Math.round(stats.totalMs),
      library,
      adapter,
    };
    journal.add(record);
    return record;
  }
}

/** The question itself; undefined until its description exists. */
function finalQuestion(journal: Journal, model: string, item: Asking, maxTokens: number): Asked | undefined {
  const { setting, question } = item;
  const { compression, inhibition } = setting;
  const last = { role: "user", text: question.prompt } as const;
  if (!setting.describeFirst) return { messages: [last], sees: true, compression, inhibition, maxTokens };
  const description = journal.get(keyOf(model, item, describe(item)))?.answer;
  if (description === undefined) return undefined;
  const messages: Asked["messages"] = [
    { role: "user", text: DESCRIBE },
    // A first token often begins with a blank, which the chat template already has.
    { role: "assistant", text: description.trim() },
    last,
  ];
  return { messages, sees: false, compression, inhibition, maxTokens };
}

/** The description on which an answer without the picture is based. */
function describe({ setting: { compression, inhibition } }: Asking): Asked {
  const messages: Asked["messages"] = [{ role: "user", text: DESCRIBE }];
  return { messages, sees: true, compression, inhibition, maxTokens: MAX_TOKENS };
}

function keyOf(model: string, { picture }: Asking, asked: Asked): string {
  const { sees, ...others } = asked;
  // Without the picture only the text matters.
  const seen = sees ? picture.hash : "";
  return answerKey({ model, picture: seen, ...others });
}
