/** A conversation: questions, their pictures and answers, one after another. Shows nothing. */
import type { FoveaModel, GenerateRequest, GenerationStats, ImageInput, Message, ModelInfo } from "../api.ts";
import { FoveaError, orAborted, throwIfAborted } from "../errors.ts";
import { isAbort } from "./wording.ts";

/** The part of a picture that a conversation needs. */
interface Pictured {
  readonly image: ImageInput;
}

/** A question and its answer. */
export interface Turn<P extends Pictured = Pictured> {
  readonly id: number;
  readonly question: string;
  readonly pictures: readonly P[];
  readonly answer: string;
  /** "loading": the model is not loaded yet; "reading": no text yet; then "writing", and finally the outcome. */
  readonly state: "loading" | "reading" | "writing" | "stop" | "length" | "abort" | "failed";
  /** The error of a failed turn. */
  readonly error?: unknown;
  readonly stats?: GenerationStats;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Provides a conversation's model and receives its events. */
export interface ConversationOwner<P extends Pictured> {
  /** The model to ask now. */
  model(): Promise<FoveaModel>;
  /** The fields of a request besides its messages. */
  settings(info: ModelInfo): Omit<GenerateRequest, "messages" | "signal">;
  /** The system prompt; "" for none. */
  system(): string;
  /** A turn was added, removed, or changed its state. */
  onTurns(): void;
  onText(turn: Turn<P>, text: string): void;
  /** An answer ended. Each question ends with this or with `onError`. */
  onDone(turn: Turn<P>): void;
  onError(error: unknown): void;
}

const ENDED: readonly string[] = ["stop", "length", "abort"];

/** Asks one question at a time and queues the others. */
export class Conversation<P extends Pictured> {
  readonly #owner: ConversationOwner<P>;
  #turns: Writable<Turn<P>>[] = [];
  /** Aborts all questions so far. */
  #stop = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  constructor(owner: ConversationOwner<P>) {
    this.#owner = owner;
  }

  get turns(): readonly Turn<P>[] {
    return this.#turns;
  }

  get isBusy(): boolean {
    const last = this.#turns.at(-1);
    return last !== undefined && !ENDED.includes(last.state) && last.state !== "failed";
  }

  /** Resolves with the answer. Rejects with the error, and with FoveaError `aborted` if it was stopped. */
  ask(question: string, pictures: readonly P[]): Promise<string> {
    const { signal } = this.#stop;
    const asked = this.#last.then(() => this.#answer(question, pictures, signal));
    this.#last = asked.catch(() => {});
    return asked;
  }

  /** Asks a turn's question again. Removes the old turn. */
  askAgain(turn: Turn<P>): Promise<string> {
    this.#turns = this.#turns.filter((other) => other !== turn);
    return this.ask(turn.question, turn.pictures);
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

  async #answer(question: string, pictures: readonly P[], signal: AbortSignal): Promise<string> {
    const turn: Writable<Turn<P>> = { id: this.#nextId++, question, pictures, answer: "", state: "loading" };
    try {
      throwIfAborted(signal, "the wait for earlier questions");
      const messages = this.#messages(turn);
      this.#turns = [...this.#turns, turn];
      this.#owner.onTurns();
      const model = await orAborted(this.#owner.model(), signal, "loading");
      turn.state = "reading";
      this.#owner.onTurns();
      const request = { ...this.#owner.settings(model.info), messages, signal };
      for await (const event of model.generate(request)) {
        if (event.type === "text" && event.text !== "") {
          turn.state = "writing";
          turn.answer += event.text;
          this.#owner.onText(turn, event.text);
        } else if (event.type === "done") {
          turn.state = event.reason;
          turn.stats = event.stats;
        }
      }
      if (turn.state === "abort") throw new FoveaError("aborted", "the answer was stopped");
      this.#owner.onDone(turn);
      return turn.answer;
    } catch (error) {
      turn.state = isAbort(error) ? "abort" : "failed";
      if (turn.state === "abort") this.#owner.onDone(turn);
      else {
        turn.error = error;
        this.#owner.onError(error);
      }
      throw error;
    } finally {
      this.#owner.onTurns();
    }
  }

  /** The messages up to a new turn. Leaves out unanswered questions, because models expect alternating messages. */
  #messages(turn: Turn<P>): Message[] {
    const system = this.#owner.system();
    const answered = this.#turns.filter(({ state, answer }) => ENDED.includes(state) && answer !== "");
    return [
      ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
      ...answered.flatMap((earlier): Message[] => [
        questionOf(earlier),
        { role: "assistant", content: earlier.answer },
      ]),
      questionOf(turn),
    ];
  }
}

function questionOf({ question, pictures }: Turn): Message {
  if (pictures.length === 0) return { role: "user", content: question };
  const images = pictures.map(({ image }) => ({ type: "image" as const, image }));
  return { role: "user", content: [...images, { type: "text", text: question }] };
}
