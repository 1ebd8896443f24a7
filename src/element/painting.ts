/** How a growing answer is painted: not with every word, and with the end in sight. Controllers of the element. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Shortest time between two paints of a growing answer, in milliseconds. */
const PAINT_INTERVAL_MS = 50;
/** Painting takes at most 1 / PAINT_SHARE of the time, also on slow machines. */
const PAINT_SHARE = 8;
/** Distance from the end within which a conversation keeps scrolling with new text, in CSS pixels. */
const END_DISTANCE = 32;

/** Paces the updates of a host: parsing the whole Markdown takes longer as an answer grows. */
export class PaintPace implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #start = 0;
  #paintMs = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostUpdate(): void {
    this.#start = performance.now();
  }

  hostUpdated(): void {
    this.#paintMs = performance.now() - this.#start;
  }

  /** Schedules an update. */
  soon(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#host.requestUpdate();
      },
      Math.max(PAINT_INTERVAL_MS, PAINT_SHARE * this.#paintMs),
    );
  }
}

/** Keeps the end of a scrolling part in sight, unless its reader has gone back. */
export class StickToEnd implements ReactiveController {
  readonly #find: () => Element | null | undefined;
  #isAtEnd = true;

  /** @param find the scrolling part */
  constructor(host: ReactiveControllerHost, find: () => Element | null | undefined) {
    this.#find = find;
    host.addController(this);
  }

  hostUpdated(): void {
    const part = this.#find();
    if (part && this.#isAtEnd) part.scrollTop = part.scrollHeight;
  }

  /** Goes to the end with the next update. */
  follow(): void {
    this.#isAtEnd = true;
  }

  readonly onScroll = ({ target }: Event): void => {
    const { scrollTop, scrollHeight, clientHeight } = target as Element;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < END_DISTANCE;
  };
}
