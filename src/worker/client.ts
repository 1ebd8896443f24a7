/** A model in a worker as the page sees it: the same members as `Fovea`, each a message. */
import type {
  Compression,
  FoveaModel,
  GenerateRequest,
  Generation,
  GenerationEvent,
  ImageFeatures,
  ImageInput,
  Inspection,
  InspectRequest,
  MemoryUse,
  ModelFiles,
  ModelInfo,
  WorkerOptions,
} from "../api.ts";
import { FoveaError, orAborted, throwIfAborted } from "../errors.ts";
import { RunningGeneration } from "../running-generation.ts";
import { checkFields, checkFunction, checkSignal, isSignal } from "../shared/arguments.ts";
import { Channel } from "./channel.ts";
import { packImage, packInspection, packRequest, packSource } from "./pack.ts";
import { startWorker } from "./start-worker.ts";

/** How long a cancelled load may take to put away what it has downloaded, in milliseconds. */
const LAST_WORDS_MS = 2000;

/**
 * Loads a checkpoint in a worker of its own, so that the page stays smooth whatever the model does. Sources and errors
 * as of `Fovea.load`; besides, FoveaError `download-failed` if the worker's script cannot be had, and `device-lost` from
 * every call if the worker dies. Files that are given stay the caller's. Pictures too; they are read when they are handed
 * over.
 *
 * @throws TypeError for a `device`, which cannot be handed to a worker
 */
export async function createFovea(
  source: string | URL | ModelFiles,
  options: WorkerOptions = {},
): Promise<RemoteFovea> {
  checkOptions(options);
  const { signal, onProgress, onWait, ...settings } = options;
  throwIfAborted(signal, "loading");
  const channel = new Channel(start(), onWait);
  const { lifeLock } = channel;
  const value = { type: "load", source: packSource(source), options: settings, lifeLock } as const;
  const loaded = channel.call({ value, transfer: [] }, { signal, onProgress });
  try {
    return new RemoteFovea(channel, (await orAborted(loaded, signal, "loading")) as ModelInfo);
  } catch (error) {
    const time = new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS));
    // The worker was told if the signal has fired; everything else has ended.
    if (signal?.aborted) void Promise.race([loaded.catch(() => {}), time]).then(() => channel.close());
    else channel.close();
    throw error;
  }
}

/** A model in a worker. Requests are served one after another, in the order in which they were made. */
export class RemoteFovea implements FoveaModel {
  readonly info: ModelInfo;
  readonly #channel: Channel;

  /** @internal */
  constructor(channel: Channel, info: ModelInfo) {
    this.#channel = channel;
    this.info = info;
  }

  /** GPU memory as the worker last told: it tells with every event and result. */
  get memory(): MemoryUse {
    return this.#channel.memory;
  }

  /** As `Fovea.generate`. Pictures are read now: what the page draws on a canvas later is not seen. */
  generate(request: GenerateRequest): Generation {
    const task = async (emit: (event: GenerationEvent) => void, signal: AbortSignal) => {
      checkFields("request", request);
      checkSignal(request.signal);
      const packed = packRequest(request).then(({ value, transfer }) => ({
        value: { type: "generate", request: value } as const,
        transfer,
      }));
      await this.#channel.call(packed, { signal, onEvents: (events) => events.forEach(emit) });
    };
    return new RunningGeneration(task, isSignal(request?.signal) ? request.signal : undefined);
  }

  /** As `Fovea.encodeImage`. */
  async encodeImage(
    image: ImageInput,
    options: { compression?: Compression; signal?: AbortSignal } = {},
  ): Promise<ImageFeatures> {
    checkFields("options", options);
    const { signal, ...rest } = options;
    checkSignal(signal);
    const packed = packImage(image).then(({ value, transfer }) => ({
      value: { type: "encodeImage", image: value, options: rest } as const,
      transfer,
    }));
    return (await this.#channel.call(packed, { signal })) as ImageFeatures;
  }

  /** As `Fovea.inspect`. */
  async inspect(request: InspectRequest): Promise<Inspection> {
    checkFields("request", request);
    const { value, transfer } = packInspection(request);
    return (await this.#channel.call({ value: { type: "inspect", request: value }, transfer })) as Inspection;
  }

  /** Ends the worker, which frees everything. What is still running fails with `disposed`. */
  dispose(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function checkOptions(options: WorkerOptions): void {
  checkFields("options", options);
  const { signal, onProgress, onWait } = options;
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  checkFunction("onWait", onWait);
  if ((options as { device?: unknown }).device !== undefined)
    throw new TypeError("a device cannot be handed to a worker; leave it out, or use Fovea.load in this thread");
}

function start(): Worker {
  try {
    return startWorker();
  } catch (cause) {
    throw new FoveaError(
      "download-failed",
      `the engine's worker may not be started here (${String(cause)}); use Fovea.load to run in this thread`,
      { cause },
    );
  }
}
