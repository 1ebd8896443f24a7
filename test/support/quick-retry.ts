/** Hardly any waiting, so that tests of broken connections are quick. */
import type { RetryPolicy } from "../../src/weights/retry.ts";

export const QUICK_RETRY: RetryPolicy = { attempts: 3, firstDelayMs: 1, maxDelayMs: 20, stallMs: 60_000 };
