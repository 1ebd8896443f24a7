/** Tabs that load one model: one downloads it, and those that waited read it side by side. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ModelStore } from "../../src/weights/store.ts";
import { MemoryStorage } from "../support/memory-storage.ts";

/** Web Locks of one origin, as far as they are used. */
class Locks {
  readonly #held: LockMode[] = [];
  readonly #waiting: (() => boolean)[] = [];

  request(_: string, { mode }: { mode: LockMode }, held: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        if (this.#held.length > 0 && (mode === "exclusive" || this.#held.includes("exclusive"))) return false;
        this.#held.push(mode);
        held().then(() => {
          this.#held.splice(this.#held.indexOf(mode), 1);
          this.#grant();
          resolve();
        });
        return true;
      });
      this.#grant();
    });
  }

  #grant(): void {
    while (this.#waiting[0]?.()) this.#waiting.shift();
  }
}

beforeEach(() => {
  MemoryStorage.install();
  Object.assign(navigator, { locks: new Locks() });
});
afterEach(() => vi.unstubAllGlobals());

test("tabs that waited for a download hold no other one off", async () => {
  const key = { source: "tiny", origin: "" };
  // All find nothing, and wait to be the one that downloads.
  const [begun, ...waiting] = Array.from({ length: 3 }, () => ModelStore.open(key));
  const first = (await begun)!;
  await first.complete([]);
  first.close();
  // None is closed before all are open.
  const stores = await Promise.all(waiting);
  expect(await Promise.all(stores.map((store) => store!.isComplete()))).toEqual([true, true]);
  for (const store of stores) store!.close();
});
