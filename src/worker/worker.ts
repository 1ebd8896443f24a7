/** The worker's side: one engine, and the calls of one page. fovea-worker.ts starts it. */
import type { GenerationEvent, LoadProgress, MemoryUse, Message } from "../api.ts";
import { Fovea } from "../engine/fovea.ts";
import { keepSmallCopy } from "../engine/keep-copy.ts";
import type { GpuTurn } from "../engine/recovery.ts";
import { FoveaError } from "../errors.ts";
import { tellShippedFiles } from "../shared/shipped-files.ts";
import { packError } from "./errors.ts";
import { EventStream } from "./event-stream.ts";
import { KeptBitmaps } from "./kept-bitmaps.ts";
import type { Call, Port, SentMessage, ToPage, ToWorker } from "./protocol.ts";
import { buffersIn } from "./transfer.ts";
import { Turns } from "./turns.ts";

/** Milliseconds between two progress messages of one stage: bytes arrive far more often than a page repaints. */
const PROGRESS_INTERVAL_MS = 50;

/** Serves the calls that come through `port`. */
export function serve(port: Port<ToWorker, ToPage>): void {
  const server = new Server(port);
  port.addEventListener("message", ({ data }) => server.receive(data));
}

class Server {
  readonly #port: Port<ToWorker, ToPage>;
  readonly #turns = new Turns((waiting) => this.#post({ type: "waiting", waiting }));
  readonly #bitmaps = new KeptBitmaps();
  /** Call -> its controller, for running calls. */
  readonly #aborts = new Map<number, AbortController>();
  readonly #streams = new Map<number, EventStream>();
  #model: Fovea | undefined;
  #toldMemory: MemoryUse = { gpuBytes: 0, peakGpuBytes: 0 };

  constructor(port: Port<ToWorker, ToPage>) {
    this.#port = port;
  }

  receive(message: ToWorker): void {
    if (message.type === "abort") this.#aborts.get(message.call)?.abort();
    else if (message.type === "taken") this.#streams.get(message.call)?.taken();
    else void this.#serve(message.call, message);
  }

  /** Never throws. */
  async #serve(call: number, message: Call): Promise<void> {
    const controller = new AbortController();
    this.#aborts.set(call, controller);
    try {
      const value = await this.#run(call, message, controller.signal);
      this.#post({ type: "result", call, value }, buffersIn(value));
    } catch (error) {
      this.#post({ type: "failure", call, error: packError(error) });
    } finally {
      this.#aborts.delete(call);
    }
  }

  async #run(call: number, message: Call, signal: AbortSignal): Promise<unknown> {
    if (message.type === "load") return this.#load(call, message, signal);
    if (message.type === "keep-copy" || message.type === "plan") {
      const { source, shipped, lifeLock } = message;
      this.#live(lifeLock);
      tellShippedFiles(shipped);
      if (message.type === "plan") {
        const { planModel } = await import("../engine/plan-model.ts");
        return planModel(source, { ...message.options, signal });
      }
      const { options } = message;
      return keepSmallCopy(source, {
        ...options,
        signal,
        onProgress: (progress) => this.#post({ type: "copied", call, progress }),
      });
    }
    const model = this.#model;
    if (!model) throw new FoveaError("disposed", "no model is loaded in this worker; load one first");
    switch (message.type) {
      case "generate": {
        const { messages, ...request } = message.request;
        const asked = { ...request, messages: unpackMessages(messages, this.#bitmaps), signal };
        return this.#turns.inOrder(() => this.#stream(call, model.generate(asked)), signal);
      }
      case "encodeImage": {
        const image = this.#bitmaps.unpack(message.image);
        return this.#turns.inOrder(() => model.encodeImage(image, { ...message.options, signal }), signal);
      }
      case "countTokens": {
        const messages = unpackMessages(message.messages, this.#bitmaps);
        // Not in turn with other tabs: it does not use the GPU.
        return model.countTokens(messages, { ...message.options, signal });
      }
      case "encodeText":
        return this.#turns.inOrder(() => model.encodeText(message.texts, { signal }), signal);
      case "score": {
        const image = this.#bitmaps.unpack(message.image);
        const options = { ...message.options, signal };
        return this.#turns.inOrder(() => model.score(image, message.texts, options), signal);
      }
      case "inspect":
        return this.#turns.inOrder(() => model.inspect(message.request), signal);
      case "saveConversation":
      case "restoreConversation":
        return this.#turns.inOrder(() => model[message.type](message.name, { signal }), signal);
    }
  }

  async #load(call: number, { source, options, shipped, lifeLock }: Call & { type: "load" }, signal: AbortSignal) {
    this.#live(lifeLock);
    tellShippedFiles(shipped);
    let told: { stage?: string; time: number } = { time: 0 };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (progress: LoadProgress) => {
      told = { stage: progress.stage, time: performance.now() };
      this.#post({ type: "progress", call, progress });
    };
    const onProgress = (progress: LoadProgress) => {
      // A warning comes once, so it takes no other event's place.
      if (progress.type === "warning") return this.#post({ type: "progress", call, progress });
      clearTimeout(timer);
      const early = progress.stage === told.stage ? told.time + PROGRESS_INTERVAL_MS - performance.now() : 0;
      // Sends the last event late rather than never, for a connection that stalls. The page drops late events.
      if (early > 0) timer = setTimeout(tell, early, progress);
      else tell(progress);
    };
    const turn: GpuTurn = (task, stop) => this.#turns.amongTabs(task, stop);
    this.#model = await Fovea.loadInTurn(source, { ...options, signal, onProgress }, turn);
    return this.#model.info;
  }

  /** Holds a lock until the worker ends. The page waits for it, and so notices any end. */
  #live(lifeLock: string): void {
    const say = (holdsLock: boolean) => this.#post({ type: "alive", holdsLock });
    const { locks } = navigator;
    if (!locks) say(false);
    else
      locks
        .request(lifeLock, () => {
          say(true);
          return new Promise(() => {});
        })
        .catch(() => say(false));
  }

  async #stream(call: number, events: AsyncIterable<GenerationEvent>): Promise<void> {
    const stream = new EventStream((list) => this.#post({ type: "events", call, events: list }, buffersIn(list)));
    this.#streams.set(call, stream);
    try {
      for await (const event of events) stream.push(event);
    } finally {
      stream.flush();
      this.#streams.delete(call);
    }
  }

  #post(message: ToPage, transfer: Transferable[] = []): void {
    const memory = this.#model?.memory;
    const told = this.#toldMemory;
    if (memory && (memory.gpuBytes !== told.gpuBytes || memory.peakGpuBytes !== told.peakGpuBytes)) {
      this.#toldMemory = memory;
      this.#port.postMessage({ type: "memory", memory }, { transfer: [] });
    }
    this.#port.postMessage(message, { transfer });
  }
}

/** Leaves anything but a list of messages as it is: the engine reports it. */
function unpackMessages(messages: SentMessage[], bitmaps: KeptBitmaps): Message[] {
  if (!Array.isArray(messages)) return messages;
  return messages.map((message) => {
    if (!Array.isArray(message?.content)) return message as Message;
    const content = message.content.map((part) =>
      part?.type === "image" ? { ...part, image: bitmaps.unpack(part.image) } : part,
    );
    return { ...message, content };
  });
}
