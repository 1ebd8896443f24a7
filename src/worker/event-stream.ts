/**
 * Events of one answer on their way to the page. The page gets one message at a time and says when it has read it; what
 * comes up meanwhile goes together into the next. So a page that is busy finds one message when it comes back and not
 * hundreds, and the GPU, which other tabs wait for too, is never kept waiting by a page.
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

  /** The page has read what was sent. */
  taken(): void {
    this.#isOnTheWay = false;
    this.flush();
  }

  /** Sends what there is, at the end of an answer without waiting for the page. */
  flush(): void {
    if (this.#events.length === 0) return;
    this.#isOnTheWay = true;
    this.#send(this.#events.splice(0));
  }
}
