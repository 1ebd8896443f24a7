/** Whose turn it is: within a worker, and between tabs, which share their locks here as they do in a browser. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FoveaError } from "../../src/errors.ts";
import { Turns } from "../../src/worker/turns.ts";

type Callback = (lock: object | null) => Promise<unknown>;

/** Web Locks, as far as they are used. */
class Locks {
  readonly queues = new Map<string, Promise<unknown>[]>();

  async request(name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }, callback: Callback) {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    if (options.ifAvailable && queue.length > 0) return callback(null);
    const before = queue.at(-1) ?? Promise.resolve();
    const aborted = new Promise((_, reject) =>
      options.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
    );
    const result = Promise.race([before, aborted]).then(() => callback({}));
    const held: Promise<unknown> = result
      .catch(() => {})
      .then(() => before)
      .then(() => queue.splice(queue.indexOf(held), 1));
    queue.push(held);
    return result;
  }
}

let locks: Locks;
beforeEach(() => {
  locks = new Locks();
  vi.stubGlobal("navigator", { locks });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const ticks = (count = 5) => Promise.all(Array.from({ length: count }, () => new Promise(setImmediate)));
const never = new AbortController().signal;

/** A tab, what it was told of waiting, and tasks that run until they are let go. */
function tab(log: string[], name: string) {
  const told: boolean[] = [];
  const turns = new Turns((waiting) => told.push(waiting));
  const start = (task: string, signal = never) => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const work = async () => {
      log.push(`${name}${task}`);
      if (signal.aborted) throw new FoveaError("aborted", "aborted");
      await held;
      return task;
    };
    const done = turns.inOrder(() => turns.amongTabs(work, signal), signal);
    return { finish, done };
  };
  return { told, start };
}

test("tabs take turns, and only the one that waits for another is told", async () => {
  const log: string[] = [];
  const [a, b] = [tab(log, "a"), tab(log, "b")];
  const a1 = a.start("1");
  const a2 = a.start("2");
  await ticks();
  const b1 = b.start("1");
  await ticks();
  expect(log).toEqual(["a1"]);
  expect([a.told, b.told]).toEqual([[], [true]]);
  a1.finish();
  expect(await a1.done).toBe("1");
  await ticks();
  // Not a's second task, which came before: a lock is held for one task.
  expect(log).toEqual(["a1", "b1"]);
  expect([a.told, b.told]).toEqual([[true], [true, false]]);
  b1.finish();
  await ticks();
  a2.finish();
  expect(await a2.done).toBe("2");
  expect(a.told).toEqual([true, false]);
});

test.for(["in the same tab", "in another tab"])("an abort ends the wait for a task %s", async (where) => {
  const log: string[] = [];
  const a = tab(log, "a");
  const waiting = where === "in the same tab" ? a : tab(log, "b");
  const first = a.start("1");
  await ticks();
  const controller = new AbortController();
  const second = waiting.start("2", controller.signal);
  await ticks();
  expect(log).toEqual(["a1"]);
  controller.abort();
  await expect(second.done).rejects.toMatchObject({ code: "aborted" });
  expect(waiting.told).toEqual(where === "in the same tab" ? [] : [true, false]);
  first.finish();
  await first.done;
  const third = waiting.start("3");
  third.finish();
  expect(await third.done).toBe("3");
});

test("a task that fails lets the next one go", async () => {
  const turns = new Turns(() => {});
  const failure = turns.inOrder(() => Promise.reject(new TypeError("wrong")), never);
  await expect(failure).rejects.toThrow("wrong");
  expect(await turns.inOrder(async () => 3, never)).toBe(3);
});

test.for([
  ["there are none", undefined],
  ["the page may not use them", { request: () => Promise.reject(new DOMException("no", "SecurityError")) }],
] as const)("work goes on without locks where %s", async ([, none]) => {
  vi.stubGlobal("navigator", { locks: none });
  expect(await new Turns(() => {}).amongTabs(async () => 3, never)).toBe(3);
});
