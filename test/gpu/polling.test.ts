import { describe, expect, test } from "vitest";
import { Polling } from "../../src/gpu/polling.ts";

/** Firefox's period. */
const TIMER_MS = 100;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * A device that notices finished work on a timer or at a submit, as Firefox does; or at once without `timerMs`. Its clock
 * runs from its creation on, so that the first wait may be short.
 */
function fakeDevice({ timerMs, firstTickMs = timerMs }: { timerMs?: number; firstTickMs?: number } = {}) {
  const waiting: { endsAt: number; resolve: () => void }[] = [];
  const notice = () => {
    for (const wait of waiting.filter(({ endsAt }) => endsAt <= performance.now())) {
      waiting.splice(waiting.indexOf(wait), 1);
      wait.resolve();
    }
  };
  let ticking: ReturnType<typeof setTimeout> | undefined;
  const tick = () => {
    notice();
    ticking = setTimeout(tick, timerMs);
  };
  if (timerMs !== undefined) ticking = setTimeout(tick, firstTickMs);
  const device = {
    submits: 0,
    /** Work that takes this long. */
    work(ms: number) {
      if (timerMs === undefined) return pause(ms);
      return new Promise<void>((resolve) => waiting.push({ endsAt: performance.now() + ms, resolve }));
    },
    queue: {
      onSubmittedWorkDone: () => device.work(0) as Promise<undefined>,
      submit: () => {
        device.submits++;
        notice();
        return undefined;
      },
    },
    stop: () => clearTimeout(ticking),
  };
  return device;
}

describe("polling", () => {
  test.each([undefined, 5])(
    "polls a device with a timer while something is awaited (first tick %s)",
    async (firstTickMs) => {
      const device = fakeDevice({ timerMs: TIMER_MS, ...(firstTickMs !== undefined && { firstTickMs }) });
      const polling = await Polling.of(device);
      const start = performance.now();
      for (let i = 0; i < 5; i++) await polling.during(device.work(0));
      expect(performance.now() - start, "5 waits without work, 400 ms unpolled").toBeLessThan(2 * TIMER_MS);
      const before = device.submits;
      await pause(20);
      expect(device.submits, "silent while nothing is awaited").toBe(before);
      device.stop();
    },
  );

  test("leaves a device without a timer alone", async () => {
    const device = fakeDevice();
    const polling = await Polling.of(device);
    await polling.during(device.work(30));
    expect(device.submits).toBe(0);
  });

  test("polls less often the longer a wait is, and until the last of several has ended", async () => {
    const device = fakeDevice({ timerMs: 10_000 });
    const polling = await Polling.of(device);
    const before = device.submits;
    const [short, long] = [polling.during(device.work(10)), polling.during(device.work(400))];
    await short;
    const afterShort = device.submits;
    await long;
    expect(afterShort - before, "in 10 ms").toBeLessThanOrEqual(12);
    expect(device.submits - before, "in 400 ms, by less than 0.4 a millisecond").toBeLessThan(160);
    expect(device.submits, "after the short wait").toBeGreaterThan(afterShort + 20);
    device.stop();
  });

  test("stops polling after work that failed, which is reported", async () => {
    const device = fakeDevice({ timerMs: TIMER_MS });
    const polling = await Polling.of(device);
    await expect(polling.during(Promise.reject(new Error("lost")))).rejects.toThrow("lost");
    const before = device.submits;
    await pause(20);
    expect(device.submits).toBe(before);
    device.stop();
  });

  test("opens a device whose waits fail or never end", async () => {
    for (const wait of [Promise.reject(new Error("lost")), new Promise<undefined>(() => {})]) {
      const device = fakeDevice();
      device.queue.onSubmittedWorkDone = () => wait;
      const polling = await Polling.of(device);
      expect(await polling.during(Promise.resolve(1))).toBe(1);
    }
  });

  test("all engines on a device share its polling", async () => {
    const device = fakeDevice();
    expect(await Polling.of(device)).toBe(await Polling.of(device));
  });
});
