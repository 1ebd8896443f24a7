/**
 * Keeps a device polled during a wait. Some browsers notice finished work only when the page submits more, or on a slow
 * timer. In Firefox 153 each wait took 100 ms, whatever the work. An empty submit makes them check.
 */

/** The part of a device that polling uses. */
export interface PolledDevice {
  readonly queue: Pick<GPUQueue, "submit" | "onSubmittedWorkDone">;
}

/** A wait for an idle queue that takes longer waits for a timer. Without a timer, 1 ms is usual. */
const UNPOLLED_MS = 20;
/** A polled wait for an idle queue ends within this time, unless the machine is busy. */
const POLLED_MS = 10;
/** Two trials agree: the first may have begun just before the timer fired, and a busy moment looks like a timer. */
const AGREEING = 2;
/** Without agreement after as many trials the device is polled, which costs little. */
const MOST_TRIALS = 6;

const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 4;

/**
 * Milliseconds to the next poll: a sixteenth of the wait so far, so that polling adds about 6 % at most. In Firefox 153 on
 * lavapipe, two busy cores; processor use is that of all of the browser's processes while nothing runs on the GPU:
 *
 *     pause                          idle queue   cores in use   a token of the 20 M model, medians of three runs
 *     not polled                       100 ms         0.05       100, 115, 201 ms
 *     1 ms growing to 4 (taken)        0.2 ms         0.09       108, 113, 108 ms
 *     always 1 ms                      0.2 ms         0.12       101, 102, 104 ms
 *     always 4 ms                      0.2 ms         0.12       98, 100 ms
 *     none (a MessageChannel loop)     0.4 ms         1.12       204, 321, 1747 ms: 44000 submits a second fill a queue
 *
 * The first poll comes at once, which ends the wait for an idle queue.
 */
function pauseAfter(waitedMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, waitedMs / 16));
}

/** Submits empty work during waits on devices where that helps; one for each device. */
export class Polling {
  static readonly #ofDevice = new WeakMap<PolledDevice, Promise<Polling>>();
  readonly #device: PolledDevice;
  readonly #helps: boolean;
  #waits = 0;
  #loop: Loop | undefined;

  private constructor(device: PolledDevice, helps: boolean) {
    this.#device = device;
    this.#helps = helps;
  }

  /**
   * The polling of this device, which all engines on it share. The first call tests if the device needs polling: 2 ms
   * where it does not, 40 ms in Firefox. Start no other work on the device before that.
   */
  static of(device: PolledDevice): Promise<Polling> {
    const known = Polling.#ofDevice.get(device);
    if (known) return known;
    const polling = pollingHelps(device).then((helps) => new Polling(device, helps));
    Polling.#ofDevice.set(device, polling);
    return polling;
  }

  /** Waits for GPU work. The device is polled until the promise settles, if that helps. */
  async during<T>(wait: Promise<T>): Promise<T> {
    if (!this.#helps) return wait;
    this.#waits++;
    this.#loop ??= new Loop(this.#device);
    try {
      return await wait;
    } finally {
      this.#waits--;
      if (this.#waits === 0) {
        this.#loop.stop();
        this.#loop = undefined;
      }
    }
  }
}

async function pollingHelps(device: PolledDevice): Promise<boolean> {
  const votes = { "no timer": 0, timer: 0, busy: 0 };
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    const outcome = await tryOnce(device);
    votes[outcome]++;
    if (outcome !== "busy" && votes[outcome] === AGREEING) return outcome === "timer";
  }
  return true;
}

/** Waits for an idle queue, and polls it only after the wait has proved slow. */
async function tryOnce(device: PolledDevice): Promise<"no timer" | "timer" | "busy"> {
  // A lost device may refuse; its next use reports the loss.
  const wait = device.queue.onSubmittedWorkDone().catch(() => {});
  if (await settlesWithin(wait, UNPOLLED_MS)) return "no timer";
  const loop = new Loop(device);
  const isPrompt = await settlesWithin(wait, POLLED_MS);
  loop.stop();
  return isPrompt ? "timer" : "busy";
}

async function settlesWithin(wait: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const settles = await Promise.race([wait.then(() => true), limit]);
  clearTimeout(timer);
  return settles;
}

/** Empty submits, from now until `stop`. */
class Loop {
  readonly #device: PolledDevice;
  readonly #start = performance.now();
  /** Browsers stretch a timer that a timer started to 4 ms; a timer that a message started keeps its delay. */
  readonly #channel = new MessageChannel();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(device: PolledDevice) {
    this.#device = device;
    this.#channel.port1.onmessage = () => this.#poll();
    this.#poll();
  }

  #poll(): void {
    this.#device.queue.submit([]);
    const ms = pauseAfter(performance.now() - this.#start);
    this.#timer = setTimeout(() => this.#channel.port2.postMessage(0), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#channel.port1.onmessage = null;
    this.#channel.port1.close();
  }
}
