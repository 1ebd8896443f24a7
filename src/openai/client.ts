/**
 * OpenAI's client over models that are loaded in this page. It needs Fovea's `generate` and `info`, and for embeddings
 * `encodeText` and `encodeImage`, in the page or in a worker. It loads no models.
 */
import type { FoveaModel, Generation } from "../api.ts";
import { shown } from "../shared/json.ts";
import { invalid, toApiError } from "./api-error.ts";
import { complete } from "./completion.ts";
import { ChatCompletionStream } from "./completion-stream.ts";
import { type EmbeddingModel, Embeddings } from "./embeddings.ts";
import { shorten } from "./fields.ts";
import { readRequest } from "./request.ts";
import type {
  ChatCompletion,
  ChatCompletionRequest,
  ChatCompletionRequestNonStreaming,
  ChatCompletionRequestStreaming,
  Model,
  ModelList,
  RequestOptions,
} from "./types.ts";

/** A model: a Fovea, one in a worker, or any object with these members. */
export type ChatModel = Pick<FoveaModel, "generate" | "info"> & EmbeddingModel;

/** One model, with the id "fovea", or models by id. */
export type ChatModels = ChatModel | { readonly [id: string]: ChatModel };

const DEFAULT_ID = "fovea";

/**
 * OpenAI's client for models, chat completions and embeddings. The models stay the caller's.
 *
 * @example
 * const client = new FoveaOpenAI({ "fovea-demo": await Fovea.load("fovea-demo") });
 * const stream = await client.chat.completions.create({ model: "fovea-demo", messages, stream: true });
 * for await (const { choices } of stream) show(choices[0]?.delta.content ?? "");
 */
export class FoveaOpenAI {
  readonly chat: { readonly completions: ChatCompletions };
  readonly embeddings: Embeddings;
  readonly models: Models;

  /** Throws TypeError for a value that is not a model. */
  constructor(models: ChatModels) {
    const byId = modelsById(models);
    this.models = new Models(byId);
    this.chat = { completions: new ChatCompletions(byId) };
    this.embeddings = new Embeddings((id) => find(byId, id));
  }
}

/** Answers conversations. */
export class ChatCompletions {
  readonly #models: ReadonlyMap<string, ChatModel>;

  constructor(models: ReadonlyMap<string, ChatModel>) {
    this.#models = models;
  }

  /**
   * Answers a conversation, streamed if the request says so. Refuses unknown and unsupported fields.
   *
   * @throws ApiError with the status 400 for a wrong request, an unreadable picture or a conversation that is too long;
   * 404 for an unknown model; 499 after an abort; 503 without a GPU or its memory; 500 for an internal error
   */
  create(body: ChatCompletionRequestNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(body: ChatCompletionRequestStreaming, options?: RequestOptions): Promise<ChatCompletionStream>;
  create(body: ChatCompletionRequest, options?: RequestOptions): Promise<ChatCompletion | ChatCompletionStream>;
  async create(body: unknown, { signal }: RequestOptions = {}): Promise<ChatCompletion | ChatCompletionStream> {
    const { model: id, stream, includeUsage, count, request } = readRequest(body);
    const model = find(this.#models, id);
    const controller = new AbortController();
    const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
    const envelope = { id: `chatcmpl-${crypto.randomUUID()}`, created: seconds(), model: id };
    let generations: Generation[];
    try {
      // The models answer one after another.
      generations = Array.from({ length: count }, (_, i) => {
        const seed = ((request.seed ?? 0) + i) >>> 0;
        return model.generate({ ...request, seed, signal: either });
      });
    } catch (error) {
      controller.abort();
      throw toApiError(error);
    }
    try {
      if (stream) return await ChatCompletionStream.open(generations, { envelope, includeUsage, controller });
      return await complete(generations, envelope, request.topLogprobs !== undefined);
    } catch (error) {
      // One that failed ends the others.
      controller.abort();
      throw error;
    }
  }
}

/** The client's models. */
export class Models {
  readonly #models: ReadonlyMap<string, ChatModel>;
  readonly #created = seconds();

  constructor(models: ReadonlyMap<string, ChatModel>) {
    this.#models = models;
  }

  async list(): Promise<ModelList> {
    return { object: "list", data: [...this.#models].map(([id, model]) => this.#describe(id, model)) };
  }

  /** Throws ApiError of status 404 for an unknown id. */
  async retrieve(id: string): Promise<Model> {
    return this.#describe(id, find(this.#models, id));
  }

  #describe(id: string, { info }: ChatModel): Model {
    return { id, object: "model", created: this.#created, owned_by: "fovea", fovea: info };
  }
}

function modelsById(models: ChatModels): Map<string, ChatModel> {
  const byId = isModel(models) ? new Map([[DEFAULT_ID, models]]) : new Map(Object.entries(models ?? {}));
  if (byId.size === 0) throw new TypeError("models must be a model, or an object of id -> model");
  for (const [id, model] of byId)
    if (!isModel(model)) throw new TypeError(`the model ${JSON.stringify(shorten(id))} has no method generate`);
  return byId;
}

function isModel(value: unknown): value is ChatModel {
  return typeof (value as Partial<ChatModel> | null | undefined)?.generate === "function";
}

function find(models: ReadonlyMap<string, ChatModel>, id: string): ChatModel {
  const model = models.get(id);
  if (model) return model;
  const known = [...models.keys()].join(", ");
  throw invalid(
    "model",
    `The model '${shorten(typeof id === "string" ? id : shown(id))}' does not exist; available: ${known}`,
    "model_not_found",
    404,
  );
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
