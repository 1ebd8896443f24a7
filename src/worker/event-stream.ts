/**
 * Sends the events of one answer to the page. The page gets one message at a time and confirms it; events in between are
 * batched into the next. A busy page then finds one message instead of hundreds, and the GPU never waits for the page.
 */
import type { GenerationEvent } from "../api.ts";

export class EventStream {
  readonly #send: (events: GenerationEvent[]) => void;
  #events: GenerationEvent[] = [];
  #isOnTheWay = false;

  constructor(send: (events: GenerationEvent[]) => void) {
    this.#send = send;
  }

  push(event: GenerationEvent): void {
    this.#events.push(event);
    if (!this.#isOnTheWay) this.flush();
  }

  /** Called when the page has read the last message. */
  taken(): void {
    this.#isOnTheWay = false;
    this.flush();
  }

  /** Sends all batched events. At the end of an answer this does not wait for the page. */
  flush(): void {
    if (this.#events.length === 0) return;
    this.#isOnTheWay = true;
    this.#send(this.#events.splice(0));
  }
}
