/** One call in a worker of its own, which ends with the call: for work without a loaded model. */
import type { ModelFiles } from "../api.ts";
import { shippedFor } from "../shared/shipped-files.ts";
import { type CallOptions, Channel } from "./channel.ts";
import { packSettings, packSource } from "./pack.ts";
import type { Call } from "./protocol.ts";
import { startEngineWorker } from "./start-worker.ts";

type SingleCall = Extract<Call, { type: "keep-copy" | "plan" }>;

/**
 * Makes a call about a model, and ends the worker. Throws the worker's error; FoveaError `download-failed` if its script
 * cannot be loaded, `device-lost` if it dies.
 *
 * @param settings plain values; addresses in them may be relative to the page
 */
export async function callOnce<T extends SingleCall>(
  type: T["type"],
  source: string | URL | ModelFiles,
  settings: T["options"],
  options: CallOptions,
): Promise<unknown> {
  const own = packSettings(settings);
  const channel = new Channel(startEngineWorker());
  try {
    const { lifeLock } = channel;
    const packed = packSource(source);
    const shipped = await shippedFor(packed, own.modelsUrl);
    const value = { type, source: packed, options: own, shipped, lifeLock } as SingleCall;
    return await channel.call({ value, transfer: [] }, options);
  } finally {
    channel.close();
  }
}
