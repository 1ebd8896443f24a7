/** Errors: their messages stay readable, whatever untrusted text they quote; waits that an abort or a clock ends. */
import { expect, test, vi } from "vitest";
import { FoveaError, orAborted, orTimedOut } from "../src/errors.ts";

test("a long message keeps its start and its next step", () => {
  const { message } = new FoveaError("bad-weights", `tensor ${"x".repeat(5000)}: damaged; fetch the file again`);
  expect(message.length).toBeLessThan(1100);
  expect(message).toMatch(/^tensor x+ \.\.\. x+: damaged; fetch the file again$/);
  const short = `short ${"y".repeat(900)}`;
  expect(new FoveaError("bad-image", short).message).toBe(short);
});

test("a wait ends with its signal, and leaves nothing on a signal that lives on", async () => {
  const stop = new AbortController();
  const [add, remove] = [vi.spyOn(stop.signal, "addEventListener"), vi.spyOn(stop.signal, "removeEventListener")];
  expect(await orAborted(Promise.resolve(5), stop.signal, "work")).toBe(5);
  await expect(orAborted(Promise.reject(new Error("broken")), stop.signal, "work")).rejects.toThrow("broken");
  expect(add).toHaveBeenCalledTimes(2);
  expect(remove.mock.calls).toEqual(add.mock.calls);
  const waiting = orAborted(new Promise(() => {}), stop.signal, "work");
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: "aborted", message: "aborted during work" });
});

test("a wait ends with its time, and leaves no timer behind", async () => {
  vi.useFakeTimers();
  try {
    const late = () => new FoveaError("bad-image", "too late");
    expect(await orTimedOut(Promise.resolve(5), 1000, late)).toBe(5);
    await expect(orTimedOut(Promise.reject(new Error("broken")), 1000, late)).rejects.toThrow("broken");
    expect(vi.getTimerCount()).toBe(0);
    const waiting = expect(orTimedOut(new Promise(() => {}), 1000, late)).rejects.toThrow("too late");
    await vi.advanceTimersByTimeAsync(1000);
    await waiting;
  } finally {
    vi.useRealTimers();
  }
});
