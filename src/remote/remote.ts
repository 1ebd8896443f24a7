/** A model on a server, with the interface of a loaded one. Any server with OpenAI's chat completions will do. */
import type {
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
  ModelInfo,
  ScoreOptions,
  TextEmbeddings,
  TokenCount,
} from "../api.ts";
import { disposedError, FoveaError } from "../errors.ts";
import { COUNT_FIELDS, GENERATE_FIELDS } from "../known-fields.ts";
import { RunningGeneration } from "../running-generation.ts";
import { checkFields, checkSignal, isSignal } from "../shared/arguments.ts";
import { addressText } from "../shared/http.ts";
import { snapshot } from "../shared/snapshot.ts";
import { AnswerClock, readAnswer } from "./answer.ts";
import { Exchange } from "./exchange.ts";
import { type CheckedOptions, checkRemoteOptions, type RemoteOptions } from "./options.ts";
import { SentPictures } from "./pictures.ts";
import { cannot, needsDialect, pixelsOf, requestBody, requestMessages } from "./request.ts";
import { type ListedModel, readCount, readModels } from "./server-answers.ts";
import { ServerError } from "./server-error.ts";
import { SERVERS, type ServerDialect, type ServerKind, serverOf } from "./servers.ts";
import { toolFields } from "./tools.ts";

/**
 * A model on a server. Nothing is sent before the first request, or `connect`.
 *
 * @throws TypeError or RangeError for a wrong option
 * @example
 * const remote = createRemote({ baseURL: "https://models.example/v1", model: "my-model", apiKey });
 * for await (const event of remote.generate({ messages })) if (event.type === "text") show(event.text);
 */
export function createRemote(options: RemoteOptions): RemoteModel {
  return new RemoteModel(checkRemoteOptions(options));
}

/** See `createRemote`. Requests run side by side; the server decides their order. */
export class RemoteModel implements FoveaModel {
  readonly #options: CheckedOptions;
  readonly #exchange: Exchange;
  readonly #pictures = new SentPictures();
  readonly #closing = new AbortController();
  #listed: Promise<ListedModel> | undefined;
  #info: ModelInfo;

  /** @internal */
  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#exchange = new Exchange(options);
    this.#info = infoOf(options, {});
  }

  /** The known facts about the model; `connect` asks the server for more. */
  get info(): ModelInfo {
    return this.#info;
  }

  /** No memory of this machine's GPU. */
  get memory(): MemoryUse {
    return { gpuBytes: 0, peakGpuBytes: 0 };
  }

  /**
   * Asks the server for its models. The answer tells whether it can be reached and takes the key, which program it is,
   * and how long a conversation may be. A server without such a list is no error. Throws ServerError and FoveaError
   * `aborted` or `disposed`.
   */
  async connect({ signal }: { signal?: AbortSignal } = {}): Promise<ModelInfo> {
    checkSignal(signal);
    const listed = await this.#listedModel(this.#signal(signal));
    this.#info = infoOf(this.#options, listed);
    return this.#info;
  }

  /**
   * Answers a conversation; see `Fovea.generate`. Pictures are read now and leave the machine. There are no `image`,
   * `prefill` and `attention` events; a `server` event comes first. `stats.newTokens` counts events where the server does
   * not count tokens.
   *
   * Errors reach the reader of the events: ServerError with `partialText`; FoveaError `unsupported-model` for what a
   * server cannot do (compression, inhibition, attention), `bad-image`, `download-failed`, `disposed`; TypeError or
   * RangeError.
   */
  generate(request: GenerateRequest): Generation {
    const task = async (emit: (event: GenerationEvent) => void, signal: AbortSignal) => {
      checkFields("request", request, GENERATE_FIELDS);
      checkSignal(request.signal);
      await this.#answer(snapshot(request), emit, this.#signal(signal));
    };
    return new RunningGeneration(task, isSignal(request?.signal) ? request.signal : undefined);
  }

  /**
   * Counts the tokens of a conversation of texts, on a server that can (vLLM). Throws FoveaError `unsupported-model`,
   * ServerError.
   */
  async countTokens(messages: Message[], options: CountTokensOptions = {}): Promise<TokenCount> {
    checkFields("options", options, COUNT_FIELDS);
    checkSignal(options.signal);
    const signal = this.#signal(options.signal);
    const { compression, tools, documents } = options;
    if (documents?.length) throw cannot("be given documents", "write them into a message");
    if (compression !== undefined && compression.method !== "none")
      throw cannot("compress pictures", "leave compression out");
    const advice = "generate with maxTokens: 1 and read stats.promptTokens";
    const sent = await requestMessages(snapshot(messages), () => {
      throw cannot("count the tokens of pictures", advice);
    });
    if (!(await this.#dialect(signal))?.counts) throw cannot("count tokens here: only vLLM does", advice);
    // Beside the interface, not in it.
    const path = /\/v\d+$/.test(this.#options.base.pathname) ? "../tokenize" : "tokenize";
    const answer = await this.#exchange.post(
      path,
      { model: this.#options.model, messages: sent, ...toolFields({ ...(tools && { tools }) }) },
      "application/json",
      signal,
    );
    try {
      return readCount(await answer.text(), answer.address);
    } finally {
      answer.close();
    }
  }

  /** Not possible. */
  async encodeImage(_image: ImageInput, _options?: EncodeImageOptions): Promise<ImageFeatures> {
    throw cannot("give the features of a picture", "load the model with Fovea.load");
  }

  /** Not possible. */
  async encodeText(_texts: readonly string[], _options?: EncodeTextOptions): Promise<TextEmbeddings> {
    throw cannot("embed texts", "load the model with Fovea.load");
  }

  /** Not possible. */
  async score(_image: ImageInput, _texts: readonly string[], _options?: ScoreOptions): Promise<ImageScores> {
    throw cannot("score texts for a picture", "load the model with Fovea.load");
  }

  /** Not possible. */
  async inspect(_request: InspectRequest): Promise<Inspection> {
    throw cannot("be inspected", "load the model with Fovea.load");
  }

  /** Ends all requests; they fail with `disposed`. */
  dispose(): void {
    this.#closing.abort();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #answer(request: GenerateRequest, emit: (event: GenerationEvent) => void, signal: AbortSignal): Promise<void> {
    const options = this.#options;
    const server = this.info.server!;
    const clock = new AnswerClock(server);
    try {
      const maxPixels = pixelsOf(request, options);
      // Before any wait, because the caller may draw on a canvas meanwhile.
      const reading = requestMessages(
        request.messages,
        (image) => this.#pictures.url(image, maxPixels, signal),
        signal,
      );
      reading.catch(() => {});
      const dialect = needsDialect(request, options) ? await this.#dialect(signal) : this.#named();
      const body = requestBody(request, options, dialect);
      const whole = { model: options.model, messages: await reading, ...body };
      const answer = await this.#exchange.post("chat/completions", whole, "text/event-stream", signal);
      try {
        emit({ type: "server", ...server });
        const end = await readAnswer({ answer, request, options, clock, emit, signal });
        emit({ type: "done", ...end, stats: clock.stats() });
      } finally {
        answer.close();
      }
    } catch (error) {
      if (this.#closing.signal.aborted) throw disposedError();
      if (!(error instanceof FoveaError && error.code === "aborted")) throw error;
      emit({ type: "done", reason: "abort", stats: clock.stats() });
    }
  }

  /** The caller's signal, and the end of this object. Throws `disposed` after it. */
  #signal(signal: AbortSignal | undefined): AbortSignal {
    if (this.#closing.signal.aborted) throw disposedError();
    return signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
  }

  #named(): ServerDialect | undefined {
    const { server } = this.#options;
    return server === "auto" ? undefined : SERVERS[server];
  }

  /** The server's program, asked for once. */
  async #dialect(signal: AbortSignal): Promise<ServerDialect | undefined> {
    const { server } = this.#options;
    const kind: ServerKind | undefined = server === "auto" ? serverOf((await this.#listedModel(signal)).owner) : server;
    return kind && SERVERS[kind];
  }

  /** The model in the server's list; empty for a server without one. */
  async #listedModel(signal: AbortSignal): Promise<ListedModel> {
    // A failure, such as an abort of one caller, is not kept.
    this.#listed ??= this.#list(signal);
    try {
      return await this.#listed;
    } catch (error) {
      this.#listed = undefined;
      if (this.#closing.signal.aborted) throw disposedError();
      throw error;
    }
  }

  async #list(signal: AbortSignal): Promise<ListedModel> {
    try {
      return readModels(await this.#exchange.get(this.#exchange.address("models"), signal), this.#options.model);
    } catch (error) {
      if (error instanceof ServerError && [404, 405, 501].includes(error.status ?? 0)) return {};
      throw error;
    }
  }
}

function infoOf({ base, model }: CheckedOptions, { contextLength = 0, warning }: ListedModel): ModelInfo {
  return {
    family: "server",
    parameters: 0,
    weightBytes: 0,
    precision: "f32",
    weights: "on the server",
    keyValues: "f32",
    adapter: "",
    contextLength,
    vocabularySize: 0,
    takesPictures: true,
    // Only the server knows whether the model behind it has a convention.
    takesTools: true,
    imageTokens: 0,
    defaults: { compression: { method: "none" }, inhibition: { maxRatio: 0 } },
    canGenerate: true,
    warnings: warning ? [warning] : [],
    server: { address: addressText(base), model },
  };
}
