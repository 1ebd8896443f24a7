/** A conversation: questions, their pictures and answers, one after another. Shows nothing. */
import type { FoveaModel, GenerationEvent, Message, ModelInfo, TokenCount, ToolCall, ToolChoice } from "../api.ts";
import { FoveaError, orAborted, throwIfAborted } from "../errors.ts";
import {
  type Answer,
  type AnswerSettings,
  answerMessages,
  canLeaveOut,
  isRunning,
  type Pictured,
  questionOf,
  readTurns,
  STEP_BREAK,
  shownAnswer,
  stepMessages,
  type Turn,
} from "./turns.ts";
import { isAbort } from "./wording.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type WritableTurn<P extends Pictured> = Writable<Turn<P>>;

/** Provides a conversation's model and receives its events. */
export interface ConversationOwner {
  /** The model to ask now. */
  model(): Promise<FoveaModel>;
  /** The settings of an answer. */
  settings(info: ModelInfo): AnswerSettings;
  /** The system prompt; "" for none. */
  system(): string;
  /** A turn was added, removed, or changed. */
  onTurns(): void;
  onText(answer: Answer, text: string): void;
  /** Runs the calls of an answer; undefined where nothing answers them. Never rejects. */
  callTools(calls: readonly ToolCall[]): Promise<readonly string[]> | undefined;
  /** An answer ended. Each question ends with this or with `onError`. */
  onDone(answer: Answer): void;
  onError(error: unknown): void;
}

/** Share of the context that an answer has at least, after turns were left out. */
const ANSWER_SHARE = 1 / 8;
/** Requests of one answer whose calls run; the last one calls no more. */
const MAX_STEPS = 16;
/** Classes shown of a classifier's answer. */
const SHOWN_CLASSES = 5;

/** Asks one question at a time and queues the others. */
export class Conversation<P extends Pictured> {
  readonly #owner: ConversationOwner;
  #turns: WritableTurn<P>[] = [];
  /** Aborts all questions so far. */
  #stop = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  constructor(owner: ConversationOwner) {
    this.#owner = owner;
  }

  get turns(): readonly Turn<P>[] {
    return this.#turns;
  }

  get isBusy(): boolean {
    return this.#turns.some(({ answers }) => answers.some(isRunning));
  }

  /** Resolves with the answer. Rejects with the error, and with FoveaError `aborted` if it was stopped. */
  ask(question: string, pictures: readonly P[]): Promise<string> {
    return this.#queue((signal) => {
      const turn: WritableTurn<P> = { id: this.#nextId++, question, pictures, answers: [], shown: 0 };
      this.#turns = [...this.#turns, turn];
      return this.#answer(turn, {}, signal);
    });
  }

  /**
   * Asks a turn's question again, in its place. The answers so far stay, except failed and empty ones.
   *
   * @param change of the settings, for this answer only
   */
  askAgain({ id }: Turn<P>, change: AnswerSettings = {}): Promise<string> {
    return this.#queue((signal) => {
      const turn = this.#turns.find((one) => one.id === id);
      if (!turn) throw new FoveaError("aborted", "the question was removed");
      turn.answers = turn.answers.filter(({ text }) => text !== "");
      return this.#answer(turn, change, signal);
    });
  }

  /**
   * Asks a turn's question again without the oldest turns, or without their pictures: as many as must go for an answer to
   * have room. They stay in the conversation, but later questions leave them out too.
   */
  askShorter({ id }: Turn<P>, what: "turn" | "pictures"): Promise<string> {
    return this.#queue(async (signal) => {
      const at = this.#turns.findIndex((one) => one.id === id);
      if (at < 0) throw new FoveaError("aborted", "the question was removed");
      const turn = this.#turns[at]!;
      const model = await orAborted(this.#owner.model(), signal, "loading");
      for (const earlier of this.#turns.slice(0, at).filter((one) => canLeaveOut(one, what))) {
        earlier.leftOut = what;
        const { promptTokens, contextLength } = await this.#count(model, turn, signal);
        if (promptTokens <= (1 - ANSWER_SHARE) * contextLength) break;
      }
      turn.answers = turn.answers.filter(({ text }) => text !== "");
      return this.#answer(turn, {}, signal);
    });
  }

  /** Counts the tokens of the conversation with one more question. Throws as `Fovea.countTokens`. */
  count(model: FoveaModel, question: string, pictures: readonly P[], signal: AbortSignal): Promise<TokenCount> {
    return this.#count(model, { id: 0, question, pictures, answers: [], shown: 0 }, signal);
  }

  #count(model: FoveaModel, turn: Turn<P>, signal: AbortSignal): Promise<TokenCount> {
    const { compression, pictures, tools } = this.#owner.settings(model.info);
    return model.countTokens(this.#messages(turn, model.info), {
      ...(compression && { compression }),
      ...(pictures && { pictures }),
      ...(tools && { tools }),
      signal,
    });
  }

  /** Shows another answer of a turn. */
  show({ id }: Turn<P>, shown: number): void {
    const turn = this.#turns.find((one) => one.id === id);
    if (!turn?.answers[shown]) return;
    turn.shown = shown;
    this.#owner.onTurns();
  }

  /** Removes a turn and those after it. Stops what is running. */
  cut({ id }: Turn<P>): void {
    this.stop();
    const at = this.#turns.findIndex((turn) => turn.id === id);
    if (at >= 0) this.#turns = this.#turns.slice(0, at);
    this.#owner.onTurns();
  }

  /** Replaces the conversation by an earlier one, which keeps its answers and nothing that was running. */
  restore(turns: readonly Omit<Turn<P>, "id">[]): void {
    this.clear();
    this.#turns = turns
      .map(({ answers, ...turn }) => ({
        ...turn,
        id: this.#nextId++,
        answers: answers.filter((one) => !isRunning(one)),
      }))
      .filter(({ answers }) => answers.length > 0)
      .map((turn) => ({ ...turn, shown: Math.min(turn.shown, turn.answers.length - 1) }));
    this.#owner.onTurns();
  }

  /** Stops the running answer and the queued questions. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  /** Stops and removes all turns. */
  clear(): void {
    this.stop();
    this.#turns = [];
    this.#owner.onTurns();
  }

  #queue(work: (signal: AbortSignal) => Promise<string>): Promise<string> {
    const { signal } = this.#stop;
    const asked = this.#last.then(() => {
      if (!signal.aborted) return work(signal);
      const settings: AnswerSettings = {};
      this.#owner.onDone({ text: "", state: "abort", settings, seen: [] });
      throwIfAborted(signal, "the wait for earlier questions");
      return "";
    });
    this.#last = asked.catch(() => {});
    return asked;
  }

  async #answer(turn: WritableTurn<P>, change: AnswerSettings, signal: AbortSignal): Promise<string> {
    const answer: Writable<Answer> = { text: "", state: "loading", settings: change, seen: [] };
    turn.answers = [...turn.answers, answer];
    turn.shown = turn.answers.length - 1;
    this.#owner.onTurns();
    try {
      const model = await orAborted(this.#owner.model(), signal, "loading");
      answer.state = "reading";
      answer.settings = { ...this.#owner.settings(model.info), ...change };
      this.#owner.onTurns();
      if (model.info.contextLength === 0 && !model.info.canGenerate) await this.#classify(model, turn, answer, signal);
      else while (await this.#generate(model, turn, answer, signal));
      if ((answer as Answer).state === "abort") throw new FoveaError("aborted", "the answer was stopped");
      this.#owner.onDone(answer);
      return answer.text;
    } catch (error) {
      answer.state = isAbort(error) ? "abort" : "failed";
      if (answer.state === "abort") this.#owner.onDone(answer);
      else {
        answer.error = error;
        this.#owner.onError(error);
      }
      throw error;
    } finally {
      answer.pause = undefined;
      this.#owner.onTurns();
    }
  }

  /** One request of an answer. Resolves to whether its calls ran, so that another one must follow. */
  async #generate(model: FoveaModel, turn: Turn<P>, answer: Writable<Answer>, signal: AbortSignal): Promise<boolean> {
    const { steps = [], settings } = answer;
    // A call that was asked for once is not asked for again.
    const toolChoice: ToolChoice =
      steps.length >= MAX_STEPS ? "none" : settings.toolChoice === "none" ? "none" : "auto";
    const more = steps.length > 0 && { toolChoice, attention: false };
    const messages = [...this.#messages(turn, model.info), ...stepMessages(answer)];
    answer.seen = [];
    for await (const event of model.generate({ ...settings, ...more, messages, signal })) this.#take(answer, event);
    const { toolCalls: calls, ...ended } = answer as Answer;
    const results = calls && ended.state === "stop" ? this.#owner.callTools(calls) : undefined;
    if (!results) return false;
    Object.assign(answer, { state: "calling", toolCalls: undefined, attention: undefined });
    this.#owner.onTurns();
    const end = answer.text.length;
    answer.steps = [...steps, { end, calls: calls!, results: await orAborted(results, signal, "the wait for a tool") }];
    answer.state = "reading";
    this.#owner.onTurns();
    return true;
  }

  #take(answer: Writable<Answer>, event: GenerationEvent): void {
    const pause = event.type === "recovering" || event.type === "compiling" ? event.type : undefined;
    if (answer.pause !== pause) {
      answer.pause = pause;
      this.#owner.onTurns();
    }
    if (event.type === "library") {
      answer.library = event.milliseconds === undefined ? event : undefined;
      this.#owner.onTurns();
    } else if (event.type === "image") {
      const { tokens, milliseconds, views } = event;
      answer.seen = [...answer.seen, { tokens, milliseconds, views }];
    } else if (event.type === "text" && event.text !== "") {
      answer.state = "writing";
      const isNext = answer.text !== "" && answer.text.length === answer.steps?.at(-1)?.end;
      const text = isNext ? `${STEP_BREAK}${event.text}` : event.text;
      answer.text += text;
      this.#owner.onText(answer, text);
    } else if (event.type === "attention") {
      const { ends, layers } = event;
      answer.attention = { ends, layers };
    } else if (event.type === "done") {
      answer.state = event.reason;
      answer.stats = event.stats;
      if (event.toolCalls) answer.toolCalls = event.toolCalls;
    }
  }

  /** The answer of a model without a decoder: the likeliest classes of the question's last picture. */
  async #classify(model: FoveaModel, { pictures }: Turn, answer: Writable<Answer>, signal: AbortSignal) {
    const image = pictures.at(-1)?.image;
    if (image === undefined)
      throw new FoveaError("bad-image", "this model classifies pictures, and there is none; add a picture");
    const { compression } = answer.settings;
    const options = { ...(compression && { compression }), signal };
    const { classes, features, views, milliseconds } = await model.encodeImage(image, options);
    answer.seen = [{ tokens: features.rows, milliseconds, views }];
    const lines = (classes ?? []).slice(0, SHOWN_CLASSES).map(({ probability, label }) => {
      // Labels come from the checkpoint, and Markdown in them is text.
      return `- ${(100 * probability).toFixed(1)} % ${label.replace(/[\\`*_[\]<>#|~!]/g, "\\$&")}`;
    });
    answer.text = lines.length > 0 ? lines.join("\n") : "This model has no class names.";
    answer.state = "stop";
    this.#owner.onText(answer, answer.text);
  }

  /** The messages up to a turn. */
  #messages(turn: Turn<P>, { maxPictures }: ModelInfo): Message[] {
    const system = this.#owner.system();
    const at = this.#turns.findIndex(({ id }) => id === turn.id);
    const before = at < 0 ? this.#turns : this.#turns.slice(0, at);
    return [
      ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
      ...readTurns(before, turn, maxPictures).flatMap((earlier): Message[] => [
        questionOf(earlier),
        ...answerMessages(shownAnswer(earlier)),
      ]),
      questionOf(turn),
    ];
  }
}
