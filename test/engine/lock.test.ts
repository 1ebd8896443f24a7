/** The queue of an engine's tasks. */
import { expect, test } from "vitest";
import { Lock } from "../../src/engine/lock.ts";

test("a wait that was aborted lets nobody pass the task that runs", async () => {
  const lock = new Lock();
  const log: string[] = [];
  let finish = () => {};
  const first = lock.run(() => new Promise<void>((resolve) => (finish = resolve)));
  const stop = new AbortController();
  const second = lock.run(async () => log.push("second"), stop.signal);
  const third = lock.run(async () => log.push("third"));
  stop.abort();
  await expect(second).rejects.toMatchObject({ code: "aborted" });
  await new Promise(setImmediate);
  expect(log).toEqual([]);
  finish();
  await Promise.all([first, third]);
  expect(log).toEqual(["third"]);
});
