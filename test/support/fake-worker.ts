/** A `Worker` in Node: the real protocol and the real worker's side around a model that a test makes up. */
import { vi } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import type { Port, ToPage, ToWorker } from "../../src/worker/protocol.ts";
import { serve } from "../../src/worker/worker.ts";

/** Methods that stand for a model's. */
export type FakeModel = { [name in keyof Fovea]?: unknown };

/** A worker in the same thread; messages are cloned as between threads. */
export class FakeWorker extends EventTarget {
  static all: FakeWorker[] = [];
  isTerminated = false;
  /** Messages between page and worker so far. */
  readonly toWorker: ToWorker[] = [];
  readonly toPage: ToPage[] = [];
  readonly #inside = new EventTarget();

  constructor() {
    super();
    FakeWorker.all.push(this);
    const port = {
      addEventListener: this.#inside.addEventListener.bind(this.#inside),
      postMessage: (message: ToPage, { transfer }: { transfer: Transferable[] }) => {
        const data = structuredClone(message, { transfer });
        this.toPage.push(data);
        later(() => this.isTerminated || this.dispatchEvent(new MessageEvent("message", { data })));
      },
    };
    serve(port as unknown as Port<ToWorker, ToPage>);
  }

  postMessage(message: ToWorker, { transfer }: { transfer: Transferable[] }): void {
    const data = structuredClone(message, { transfer });
    this.toWorker.push(data);
    later(() => this.isTerminated || this.#inside.dispatchEvent(new MessageEvent("message", { data })));
  }

  terminate(): void {
    this.isTerminated = true;
  }

  /** As browsers tell of an uncaught error, or without a message of a script that is not there. */
  fail(message?: string): void {
    this.dispatchEvent(Object.assign(new Event("error", { cancelable: true }), { message }));
  }
}

/** As messages come: each in a task of its own. */
const later = setImmediate;

/** Makes workers fake ones, whose loads give `load`'s model. */
export function fakeWorkers(load: typeof Fovea.load | (() => Promise<FakeModel>)): void {
  vi.stubGlobal("Worker", FakeWorker);
  vi.stubGlobal("navigator", { ...globalThis.navigator, locks: undefined });
  vi.spyOn(Fovea, "loadInTurn").mockImplementation(load as typeof Fovea.load);
  FakeWorker.all = [];
}
