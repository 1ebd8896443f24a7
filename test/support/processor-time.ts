/** Limits on the processor's time, which other programs on a busy machine do not stretch. Node only. */
import { expect } from "vitest";

/** Runs within a time of this process, in milliseconds, also where it throws. */
export function within<T>(limitMs: number, run: () => T): T {
  const start = process.cpuUsage();
  try {
    return run();
  } finally {
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(limitMs);
  }
}
