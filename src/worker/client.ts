/** A model in a worker, as the page uses it: the members of `Fovea`, each of them a message. */
import type {
  ConversationOptions,
  CountTokensOptions,
  EncodeImageOptions,
  EncodeTextOptions,
  FoveaModel,
  GenerateRequest,
  Generation,
  GenerationEvent,
  ImageFeatures,
  ImageInput,
  ImageScores,
  Inspection,
  InspectRequest,
  MemoryUse,
  Message,
  ModelFiles,
  ModelInfo,
  RestoredConversation,
  ScoreOptions,
  StoredConversation,
  TextEmbeddings,
  TokenCount,
  WithFallback,
  WorkerOptions,
} from "../api.ts";
import { orAborted, throwIfAborted } from "../errors.ts";
import { checkFallback, orFallback } from "../fallback.ts";
import {
  COUNT_FIELDS,
  ENCODE_FIELDS,
  ENCODE_TEXT_FIELDS,
  GENERATE_FIELDS,
  INSPECT_FIELDS,
  LOAD_FIELDS,
  SCORE_FIELDS,
} from "../known-fields.ts";
import { RunningGeneration } from "../running-generation.ts";
import { checkFields, checkFunction, checkName, checkSignal, isSignal } from "../shared/arguments.ts";
import { shippedFor } from "../shared/shipped-files.ts";
import { snapshot } from "../shared/snapshot.ts";
import { Channel } from "./channel.ts";
import { packImage, packInspection, packRequest, packSettings, packSource } from "./pack.ts";
import { startEngineWorker } from "./start-worker.ts";

/** Time for a cancelled load to store its downloaded bytes, in milliseconds. */
const LAST_WORDS_MS = 2000;

/**
 * Loads a checkpoint in its own worker, so that the page stays responsive. Sources and errors are those of `Fovea.load`.
 * It also throws FoveaError `download-failed` if the worker's script cannot be loaded, and every call throws
 * `device-lost` if the worker dies. Files and pictures stay the caller's; pictures are read when they are passed.
 *
 * @throws TypeError for an unknown option and for a `device`, which cannot be sent to a worker
 */
export function createFovea(
  source: string | URL | ModelFiles,
  options: WorkerOptions & WithFallback,
): Promise<FoveaModel>;
export function createFovea(source: string | URL | ModelFiles, options?: WorkerOptions): Promise<RemoteFovea>;
export async function createFovea(
  source: string | URL | ModelFiles,
  options: WorkerOptions & Partial<WithFallback> = {},
): Promise<FoveaModel> {
  checkOptions(options);
  const { fallback, ...others } = options;
  return orFallback(loadInWorker(source, others), fallback, options.onProgress);
}

async function loadInWorker(source: string | URL | ModelFiles, options: WorkerOptions): Promise<RemoteFovea> {
  const { signal, onProgress, onWait, ...given } = options;
  const settings = packSettings(given);
  throwIfAborted(signal, "loading");
  const channel = new Channel(startEngineWorker(), onWait);
  const { lifeLock } = channel;
  const packed = packSource(source);
  // The worker starts meanwhile.
  const message = shippedFor(packed, settings.modelsUrl).then((shipped) => ({
    value: { type: "load", source: packed, options: settings, shipped, lifeLock } as const,
    transfer: [],
  }));
  const loaded = channel.call(message, { signal, onProgress });
  try {
    return new RemoteFovea(channel, (await orAborted(loaded, signal, "loading")) as ModelInfo);
  } catch (error) {
    const time = new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS));
    // After an abort the worker may still store downloaded bytes; after any other error it has ended.
    if (signal?.aborted) void Promise.race([loaded.catch(() => {}), time]).then(() => channel.close());
    else channel.close();
    throw error;
  }
}

/** A model in a worker. It serves requests one after another, in the order of the calls. */
export class RemoteFovea implements FoveaModel {
  readonly info: ModelInfo;
  readonly #channel: Channel;

  /** @internal */
  constructor(channel: Channel, info: ModelInfo) {
    this.#channel = channel;
    this.info = info;
  }

  /** GPU memory as last reported; the worker reports it with every event and result. */
  get memory(): MemoryUse {
    return this.#channel.memory;
  }

  /** As `Fovea.generate`. Reads pictures now: later changes to a canvas have no effect. */
  generate(request: GenerateRequest): Generation {
    const task = async (emit: (event: GenerationEvent) => void, signal: AbortSignal) => {
      checkFields("request", request, GENERATE_FIELDS);
      checkSignal(request.signal);
      const packed = packRequest(snapshot(request)).then(({ value, transfer }) => ({
        value: { type: "generate", request: value } as const,
        transfer,
      }));
      const onEvents = (events: GenerationEvent[]) => events.forEach(emit);
      await this.#channel.call(packed, { signal, endsOnAbort: true, onEvents });
    };
    return new RunningGeneration(task, isSignal(request?.signal) ? request.signal : undefined);
  }

  /** As `Fovea.encodeImage`. */
  async encodeImage(image: ImageInput, options: EncodeImageOptions = {}): Promise<ImageFeatures> {
    checkFields("options", options, ENCODE_FIELDS);
    const { signal, ...rest } = snapshot(options);
    checkSignal(signal);
    const packed = packImage(image).then(({ value, transfer }) => ({
      value: { type: "encodeImage", image: value, options: rest } as const,
      transfer,
    }));
    return (await this.#channel.call(packed, { signal, endsOnAbort: true })) as ImageFeatures;
  }

  /** As `Fovea.countTokens`. Reads pictures now. */
  async countTokens(messages: Message[], options: CountTokensOptions = {}): Promise<TokenCount> {
    checkFields("options", options, COUNT_FIELDS);
    const { signal, ...rest } = snapshot(options);
    checkSignal(signal);
    const packed = packRequest(snapshot({ messages })).then(({ value, transfer }) => ({
      value: { type: "countTokens", messages: value.messages, options: rest } as const,
      transfer,
    }));
    return (await this.#channel.call(packed, { signal, endsOnAbort: true })) as TokenCount;
  }

  /** As `Fovea.encodeText`. */
  async encodeText(texts: readonly string[], options: EncodeTextOptions = {}): Promise<TextEmbeddings> {
    checkFields("options", options, ENCODE_TEXT_FIELDS);
    const { signal } = options;
    checkSignal(signal);
    const value = { type: "encodeText", texts: snapshot(texts) } as const;
    return (await this.#channel.call({ value, transfer: [] }, { signal, endsOnAbort: true })) as TextEmbeddings;
  }

  /** As `Fovea.score`. Reads the picture now. */
  async score(image: ImageInput, texts: readonly string[], options: ScoreOptions = {}): Promise<ImageScores> {
    checkFields("options", options, SCORE_FIELDS);
    const { signal, ...rest } = snapshot(options);
    checkSignal(signal);
    const packed = packImage(image).then(({ value, transfer }) => ({
      value: { type: "score", image: value, texts: snapshot(texts), options: rest } as const,
      transfer,
    }));
    return (await this.#channel.call(packed, { signal, endsOnAbort: true })) as ImageScores;
  }

  /** As `Fovea.inspect`. */
  async inspect(request: InspectRequest): Promise<Inspection> {
    checkFields("request", request, INSPECT_FIELDS);
    const { value, transfer } = packInspection(request);
    return (await this.#channel.call({ value: { type: "inspect", request: value }, transfer })) as Inspection;
  }

  /** As `Fovea.saveConversation`. */
  async saveConversation(name: string, options: ConversationOptions = {}): Promise<StoredConversation | undefined> {
    return (await this.#aboutConversation("saveConversation", name, options)) as StoredConversation | undefined;
  }

  /** As `Fovea.restoreConversation`. */
  async restoreConversation(name: string, options: ConversationOptions = {}): Promise<RestoredConversation> {
    return (await this.#aboutConversation("restoreConversation", name, options)) as RestoredConversation;
  }

  #aboutConversation(
    type: "saveConversation" | "restoreConversation",
    name: string,
    { signal }: ConversationOptions,
  ): Promise<unknown> {
    checkName(name);
    checkSignal(signal);
    return this.#channel.call({ value: { type, name }, transfer: [] }, { signal, endsOnAbort: true });
  }

  /** Terminates the worker, which frees everything. Running calls fail with `disposed`. */
  dispose(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function checkOptions(options: WorkerOptions & Partial<WithFallback>): void {
  checkFields("options", options, LOAD_FIELDS);
  const { signal, onProgress, onWait } = options;
  checkSignal(signal);
  checkFunction("onProgress", onProgress);
  checkFunction("onWait", onWait);
  checkFallback(options.fallback);
  if ((options as { device?: unknown }).device !== undefined)
    throw new TypeError("device cannot be sent to a worker; leave it out, or use Fovea.load in this thread");
}
