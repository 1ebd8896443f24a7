/**
 * Asks the model what the journal does not have yet, item after item. An answer from the description alone takes two
 * questions; both are kept. Whether answers are right is score.ts's business.
 */
import type { Compression, Inhibition } from "../src/api.ts";
import { type AnswerRecord, answerKey, type Journal, type KeyParts } from "./journal.ts";
import type { PageQuestion } from "./page.mjs";
import type { Item } from "./plan.ts";

/** Longest answer, in tokens: half as much again as the longest that training wrote. */
const MAX_TOKENS = 96;
/** One of training's wordings, in front of answers from the description alone. */
const DESCRIBE = "Describe the picture.";

export interface PageReply {
  text: string;
  reason: "stop" | "length" | "abort";
  stats: { newTokens: number; imageTokensAfter: number; totalMs: number };
}

/** What answers questions: a page, or a test's stand-in. */
export interface Respondent {
  ask(question: PageQuestion): Promise<PageReply>;
}

export interface InterviewOptions {
  respondent: Respondent;
  journal: Journal;
  /** Hash of the model. */
  model: string;
  /** Hash of the library's build, and name of the adapter, for the record. */
  library: string;
  adapter: string;
  /** Address of a picture in the page. */
  addressOf: (item: Item) => string;
}

/** One question as it is put to the model, without what makes it unique. */
interface Asked {
  messages: PageQuestion["messages"];
  sees: boolean;
  compression: Compression;
  inhibition: Inhibition;
}

export class Interview {
  readonly #options: InterviewOptions;

  constructor(options: InterviewOptions) {
    this.#options = options;
  }

  /** The answer, if it was given before. */
  known(item: Item): AnswerRecord | undefined {
    const asked = this.#final(item, (description) => this.#options.journal.get(this.#key(item, description))?.answer);
    return asked && this.#options.journal.get(this.#key(item, asked));
  }

  /** The answer, given before or now. */
  async answer(item: Item): Promise<AnswerRecord> {
    const { setting } = item;
    if (setting.describeFirst) await this.#ask(item, describe(item));
    const asked = this.#final(item, (description) => this.#options.journal.get(this.#key(item, description))?.answer);
    if (!asked) throw new Error("a description went missing from the journal");
    return this.#ask(item, asked);
  }

  /** The question itself; undefined while the description that it needs is not there. */
  #final(item: Item, answerOf: (asked: Asked) => string | undefined): Asked | undefined {
    const { setting, question } = item;
    const { compression, inhibition } = setting;
    const messages: Asked["messages"] = [{ role: "user", text: question.prompt }];
    if (!setting.describeFirst) return { messages, sees: true, compression, inhibition };
    const description = answerOf(describe(item));
    if (description === undefined) return undefined;
    const told: Asked["messages"] = [
      { role: "user", text: DESCRIBE },
      { role: "assistant", text: description },
    ];
    return { messages: [...told, ...messages], sees: false, compression, inhibition };
  }

  #key({ picture }: Item, { messages, sees, compression, inhibition }: Asked): string {
    // Without a picture nothing but the text matters; it tells where the description came from.
    const parts: KeyParts = {
      model: this.#options.model,
      picture: sees ? picture.hash : "",
      messages,
      compression,
      inhibition,
      maxTokens: MAX_TOKENS,
    };
    return answerKey(parts);
  }

  async #ask(item: Item, asked: Asked): Promise<AnswerRecord> {
    const { respondent, journal, library, adapter, addressOf } = this.#options;
    const key = this.#key(item, asked);
    const known = journal.get(key);
    if (known) return known;
    const { messages, sees, compression, inhibition } = asked;
    const picture = sees ? addressOf(item) : undefined;
    const { text, reason, stats } = await respondent.ask({
      picture,
      messages,
      compression,
      inhibition,
      maxTokens: MAX_TOKENS,
    });
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

/** The description that an answer without the picture starts from. */
function describe({ setting: { compression, inhibition } }: Item): Asked {
  return { messages: [{ role: "user", text: DESCRIBE }], sees: true, compression, inhibition };
}
