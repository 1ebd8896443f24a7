/** Asks the model: turns of a conversation, with one streaming answer or two to compare. */
import type { GenerationEvent, Message } from "../../api.ts";
import { FoveaError } from "../../errors.ts";
import { isClassifier, type Model } from "../engine.ts";
import type { ModelKeeper } from "./models.ts";
import { askToKeepStorage } from "./offline.ts";
import { problemOf } from "./problem.ts";
import { compressionOf, followDefaults, plainSettings, requestOf, type Settings } from "./settings.ts";
import { type Answer, FIRST_VIEW, isFailed, type PageStore, type PictureItem, type Turn, turnsUntil } from "./state.ts";

let nextTurn = 1;

export class Asker {
  readonly #store: PageStore;
  readonly #models: ModelKeeper;
  #running: AbortController | undefined;

  constructor(store: PageStore, models: ModelKeeper) {
    this.#store = store;
    this.#models = models;
  }

  /** Asks with the draft's pictures. Waits for a loading model. Never throws. */
  async ask(question: string): Promise<void> {
    const { draft, turns, busy } = this.#store.state;
    if (busy) return;
    askToKeepStorage();
    this.#store.set({ question: "", draft: [] });
    const turn = await this.#run({ question, pictures: draft, follows: nextFollows(turns) });
    if (turn?.answers.every(isFailed)) this.#giveBack(turn);
  }

  /** Puts a question without an answer back into the form, unless the user has begun another one. */
  #giveBack({ question, pictures }: Turn): void {
    const { state } = this.#store;
    if (state.question.trim() === "" && state.draft.length === 0) this.#store.set({ question, draft: pictures });
  }

  /** Asks a turn's question again with the current settings, as a new turn after the same turns. */
  async again({ question, pictures, follows }: Turn): Promise<void> {
    if (!this.#store.state.busy) await this.#run({ question, pictures, follows });
  }

  /** Returns the turn with its answers; undefined if the conversation was cleared meanwhile. */
  async #run(asked: Pick<Turn, "question" | "pictures" | "follows">): Promise<Turn | undefined> {
    const { settings, compare, turns } = this.#store.state;
    const running = new AbortController();
    this.#running = running;
    const answers = compare
      ? [newAnswer("Your settings", settings), newAnswer("Both off", plainSettings(settings))]
      : [newAnswer("", settings)];
    const turn: Turn = { ...asked, id: nextTurn++, answers };
    const pictures = turnsUntil([...turns, turn], turn.id).flatMap((one) => one.pictures);
    const of = { turn: turn.id, answer: 0, image: Math.max(0, pictures.length - 1) };
    this.#store.set({ busy: true, notice: "", turns: [...turns, turn], view: { ...FIRST_VIEW, of } });
    for (const index of answers.keys()) await this.#answer(turn.id, index, running.signal);
    this.#store.set({ busy: false });
    this.#running = undefined;
    return this.#store.state.turns.find(({ id }) => id === turn.id);
  }

  stop(): void {
    this.#running?.abort();
  }

  /** Starts a new conversation. */
  clear(): void {
    this.stop();
    const { turns, draft } = this.#store.state;
    const pictures = new Set(turns.flatMap((turn) => turn.pictures));
    for (const picture of pictures) if (!draft.includes(picture)) URL.revokeObjectURL(picture.url);
    this.#store.set({ turns: [], notice: "", view: FIRST_VIEW });
  }

  async #answer(turn: number, index: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#tryAnswer(turn, index, signal);
    } catch (error) {
      if (!(error instanceof FoveaError && error.code === "device-lost")) {
        this.#patch(turn, index, { status: "done", problem: problemOf(error) });
        return;
      }
      // The engine could not recover the device; asks the same question again from the start.
      this.#patch(turn, index, { status: "waiting", recovering: false, text: "", images: [] });
      await this.#models.reload();
      await this.#tryAnswer(turn, index, signal).catch((again: unknown) =>
        this.#patch(turn, index, { status: "done", problem: problemOf(again) }),
      );
    }
  }

  async #tryAnswer(turn: number, index: number, signal: AbortSignal): Promise<void> {
    const { defaults: before } = this.#store.state;
    const model = await untilAborted(this.#models.loaded, signal);
    if (signal.aborted || !model) {
      const { problem } = this.#store.state.model;
      const missing = {
        code: "unexpected" as const,
        message: "No model loaded.",
        next: "Choose one under “Models”.",
      };
      this.#patch(turn, index, {
        ...{ status: "done", reason: "abort" },
        problem: signal.aborted ? undefined : (problem ?? missing),
      });
      return;
    }
    // The question may have waited for a model with defaults of its own.
    const followed = followDefaults(this.#find(turn, index).settings, before, this.#store.state.defaults);
    const settings = index === 0 ? followed : plainSettings(followed);
    this.#patch(turn, index, { status: "running", settings });
    if (isClassifier(model.info)) await this.#classify(model, turn, index, signal);
    else await this.#generate(model, turn, index, signal);
  }

  async #generate(model: Model, turn: number, index: number, signal: AbortSignal): Promise<void> {
    const { info } = model;
    const { settings } = this.#find(turn, index);
    const pictures = info.takesPictures ? this.#turnsUntil(turn).flatMap((one) => one.pictures) : [];
    const messages = messagesOf(this.#turnsUntil(turn), info.takesPictures);
    for await (const event of model.generate({ messages, ...requestOf(settings, info), signal }))
      this.#patch(turn, index, {
        recovering: event.type === "recovering",
        ...this.#change(event, this.#find(turn, index), pictures),
      });
  }

  #change(event: GenerationEvent, answer: Answer, pictures: readonly PictureItem[]): Partial<Answer> {
    switch (event.type) {
      case "image": {
        const { tokens, milliseconds, views } = event;
        const picture = pictures[event.index]!;
        return { images: [...answer.images, { tokens, milliseconds, views, picture }] };
      }
      case "text":
        return { text: answer.text + event.text };
      case "attention":
        return { attention: event };
      case "done":
        return { status: "done", reason: event.reason, stats: event.stats };
      default:
        return {};
    }
  }

  async #classify(model: Model, turn: number, index: number, signal: AbortSignal): Promise<void> {
    const { settings } = this.#find(turn, index);
    const picture = this.#turnsUntil(turn).at(-1)?.pictures.at(-1);
    if (!picture) throw new FoveaError("bad-image", "this model classifies pictures, and there is none; add a picture");
    const compression = compressionOf(settings, model.info);
    const { classes, views, features, milliseconds } = await model.encodeImage(picture.blob, { compression, signal });
    const image = { tokens: features.rows, milliseconds, views, picture };
    this.#patch(turn, index, { status: "done", reason: "stop", classes: classes ?? [], images: [image] });
  }

  #turnsUntil(turn: number): Turn[] {
    return turnsUntil(this.#store.state.turns, turn);
  }

  #find(turn: number, index: number): Answer {
    return (
      this.#store.state.turns.find(({ id }) => id === turn)?.answers[index] ?? newAnswer("", this.#store.state.settings)
    );
  }

  /** Changes an answer, unless its conversation is gone. */
  #patch(turn: number, index: number, change: Partial<Answer>): void {
    const turns = this.#store.state.turns.map((one) =>
      one.id === turn ? { ...one, answers: one.answers.with(index, { ...one.answers[index]!, ...change }) } : one,
    );
    this.#store.set({ turns });
  }
}

function newAnswer(label: string, settings: Settings): Answer {
  return {
    ...{ label, settings, status: "waiting", recovering: false, text: "", reason: undefined, images: [] },
    ...{ attention: undefined, stats: undefined, classes: undefined, problem: undefined },
  };
}

/** Ids of the turns that a new one follows. A failed turn is none of them: what made it fail would be sent again. */
export function nextFollows(turns: readonly Turn[]): readonly number[] {
  const last = turns.at(-1);
  if (!last) return [];
  return last.answers.every(isFailed) ? last.follows : [...last.follows, last.id];
}

/** The conversation for the model. Takes the first of two compared answers that did not fail. */
function messagesOf(turns: readonly Turn[], takesPictures: boolean): Message[] {
  return turns.flatMap(({ question, pictures, answers }, i): Message[] => {
    const isLast = i === turns.length - 1;
    const images = takesPictures ? pictures.map(({ blob }) => ({ type: "image" as const, image: blob })) : [];
    const asked: Message = { role: "user", content: [...images, { type: "text", text: question }] };
    if (isLast) return [asked];
    return [asked, { role: "assistant", content: answers.find((one) => !isFailed(one))?.text ?? "" }];
  });
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = new Promise<undefined>((resolve) =>
    signal.addEventListener("abort", () => resolve(undefined), { once: true }),
  );
  return Promise.race([promise, aborted]);
}
