/** The public class: one loaded model. It delegates all work to other files. */
import type {
  ConversationOptions,
  CountTokensOptions,
  EncodeImageOptions,
  EncodeTextOptions,
  FoveaModel,
  GenerateRequest,
  Generation,
  ImageFeatures,
  ImageInput,
  ImageScores,
  Inspection,
  InspectRequest,
  LoadOptions,
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
} from "../api.ts";
import { orFallback } from "../fallback.ts";
import {
  COUNT_FIELDS,
  ENCODE_FIELDS,
  ENCODE_TEXT_FIELDS,
  GENERATE_FIELDS,
  INSPECT_FIELDS,
  SCORE_FIELDS,
} from "../known-fields.ts";
import { type AnswerTask, RunningGeneration } from "../running-generation.ts";
import { checkFields, checkName, checkSignal, isSignal } from "../shared/arguments.ts";
import { snapshot } from "../shared/snapshot.ts";
import { answer } from "./answer.ts";
import { checkLoadOptions } from "./check-arguments.ts";
import { AnswerGrammars } from "./constraint.ts";
import type { PreparedConversation } from "./conversation-prompt.ts";
import { countTokens, prepareCount } from "./count-tokens.ts";
import {
  checkTemplate,
  checkTexts,
  embeddingInfo,
  encodeText,
  needComparison,
  type PreparedTexts,
  prepareTexts,
  score,
} from "./embeddings.ts";
import { type Engine, loadEngine } from "./engine.ts";
import { loadFrom } from "./load-from.ts";
import { Lock } from "./lock.ts";
import { encodeImage, needPictures } from "./pictures.ts";
import { type GpuTurn, RecoveringEngine } from "./recovery.ts";
import { RequestPictures } from "./request-pictures.ts";

/**
 * A vision-language model, a language model, an image classifier or encoders of pictures and texts, on one WebGPU
 * device. Requests run one after another, in their order. After a device loss, the running or the next request loads
 * the model again onto a new device and continues, unless you passed the device.
 */
export class Fovea implements FoveaModel {
  readonly info: ModelInfo;
  readonly #engine: RecoveringEngine;
  readonly #lock = new Lock();
  readonly #grammars = new AnswerGrammars(() => {
    const { language, text } = this.#engine.current;
    return { tokenizer: language!.tokenizer, vocabularySize: text!.decoder.spec.vocabularySize };
  });

  private constructor(engine: RecoveringEngine) {
    this.#engine = engine;
    this.info = describe(engine.current);
  }

  /**
   * Loads a checkpoint in Hugging Face layout: the id of a known model; "hf:owner/name" or "hf:owner/name@revision" on
   * a hub; the http(s) address of its folder; or its files, name -> bytes. Do not change these bytes: they are read
   * again after a device loss.
   *
   * @throws FoveaError `no-webgpu`, `download-failed`, `hash-mismatch`, `bad-weights`, `unsupported-model`,
   * `out-of-memory` or `aborted`; TypeError or RangeError for a wrong argument. Nothing stays allocated then. A
   * `fallback` model replaces the errors `no-webgpu` and `out-of-memory`.
   */
  static load(source: string | URL | ModelFiles, options: LoadOptions & WithFallback): Promise<FoveaModel>;
  static load(source: string | URL | ModelFiles, options?: LoadOptions): Promise<Fovea>;
  static load(source: string | URL | ModelFiles, options: LoadOptions & Partial<WithFallback> = {}) {
    const { fallback, onProgress } = options ?? {};
    return orFallback(
      Fovea.loadInTurn(source, options, (task) => task()),
      fallback,
      onProgress,
    );
  }

  /**
   * As `load`, for the worker.
   *
   * @param turn runs the requests, in turn with those of other tabs
   * @internal
   */
  static async loadInTurn(source: string | URL | ModelFiles, options: LoadOptions, turn: GpuTurn): Promise<Fovea> {
    checkLoadOptions(options);
    return new Fovea(await RecoveringEngine.load((some) => loadFrom(source, some, loadEngine), options, turn));
  }

  /** GPU memory of this engine, now and at its peak. */
  get memory(): MemoryUse {
    return this.#engine.memory;
  }

  /**
   * Answers a conversation. The work starts immediately; events wait until they are read. Leaving a loop over them
   * early stops the work. Later changes to the request's lists and objects have no effect.
   *
   * Errors are thrown to the reader of the events or the text: FoveaError `context-full`, `bad-image`,
   * `download-failed` (a picture's address), `unsupported-model` (no tokenizer, no decoder), `out-of-memory`,
   * `device-lost`, `disposed`; TypeError or RangeError for a wrong request. An aborted answer ends with a `done` event
   * of reason "abort".
   */
  generate(request: GenerateRequest): Generation {
    const task: AnswerTask = async (emit, signal) => {
      checkFields("request", request, GENERATE_FIELDS);
      checkSignal(request.signal);
      await answer(this.#engine, this.#lock, this.#grammars, snapshot(request), emit, signal);
    };
    return new RunningGeneration(task, isSignal(request?.signal) ? request.signal : undefined);
  }

  /**
   * Encodes one picture. Throws FoveaError `unsupported-model` for a model without an encoder, `bad-image`,
   * `download-failed`, `out-of-memory`, `device-lost`, `aborted` or `disposed`; TypeError for a value that is not a
   * picture.
   */
  async encodeImage(image: ImageInput, options: EncodeImageOptions = {}): Promise<ImageFeatures> {
    checkFields("options", options, ENCODE_FIELDS);
    checkSignal(options.signal);
    const own = snapshot(options);
    const { signal } = own;
    return this.#lock.run(async () => {
      let pictures: RequestPictures | undefined;
      const prepare = async (engine: Engine) => {
        needPictures(engine);
        pictures = new RequestPictures([{ image }], signal);
        await pictures.ready();
      };
      try {
        const task = (engine: Engine) => encodeImage(engine, pictures!.all[0]!, own);
        return await this.#engine.run(task, { signal, prepare });
      } finally {
        pictures?.close();
      }
    }, signal);
  }

  /**
   * Embeds any number of texts: rows of length 1, comparable with those of `encodeImage`. Throws FoveaError
   * `unsupported-model` for a model without a text encoder or tokenizer, `out-of-memory`, `device-lost`, `aborted` or
   * `disposed`; TypeError unless it is a list of strings; RangeError if it is empty or has a string of more than 262144
   * characters.
   */
  async encodeText(texts: readonly string[], options: EncodeTextOptions = {}): Promise<TextEmbeddings> {
    checkFields("options", options, ENCODE_TEXT_FIELDS);
    checkSignal(options.signal);
    checkTexts(texts);
    const { signal } = options;
    const own = [...texts];
    return this.#lock.run(async () => {
      let prepared: PreparedTexts | undefined;
      const prepare = async (engine: Engine) => {
        prepared = prepareTexts(engine, own);
      };
      return this.#engine.run((engine) => encodeText(engine, prepared!, signal), { signal, prepare });
    }, signal);
  }

  /**
   * Scores how well each text describes a picture, with the logits and probabilities of the model's training. To score
   * many pictures, embed the texts once and compare by `info.embedding`. Throws as `encodeImage` and `encodeText`.
   */
  async score(image: ImageInput, texts: readonly string[], options: ScoreOptions = {}): Promise<ImageScores> {
    checkFields("options", options, SCORE_FIELDS);
    checkSignal(options.signal);
    checkTexts(texts);
    checkTemplate(options.template);
    const own = { ...snapshot(options), texts: [...texts] };
    const { signal, template } = own;
    return this.#lock.run(async () => {
      let pictures: RequestPictures | undefined;
      let prepared: PreparedTexts | undefined;
      const prepare = async (engine: Engine) => {
        needComparison(engine);
        prepared = prepareTexts(engine, own.texts, template);
        pictures = new RequestPictures([{ image }], signal);
        await pictures.ready();
      };
      try {
        const task = (engine: Engine) => score(engine, pictures!.all[0]!, prepared!, own);
        return await this.#engine.run(task, { signal, prepare });
      } finally {
        pictures?.close();
      }
    }, signal);
  }

  /**
   * Counts the tokens of a conversation, pictures and template included. Nothing runs on the GPU, but pictures are
   * fetched and decoded for their sizes. `compression` defaults to the model's, as for `generate`.
   *
   * Throws FoveaError `unsupported-model` (no tokenizer, no decoder), `bad-image`,
   * `download-failed`, `aborted` or `disposed`; TypeError or RangeError for a wrong conversation or option.
   */
  async countTokens(messages: Message[], options: CountTokensOptions = {}): Promise<TokenCount> {
    checkFields("options", options, COUNT_FIELDS);
    checkSignal(options.signal);
    const own = snapshot({ ...options, messages });
    // Does not wait for other requests, because it needs no GPU.
    const engine = this.#engine.current;
    const prepared = await prepareCount(engine, own.messages, own);
    try {
      return await countTokens(engine, prepared, own);
    } finally {
      prepared.pictures.close();
    }
  }

  /**
   * Saves the rows of the last answer's conversation in the origin's private file system. It then continues after a
   * reload without a new prefill. Replaces one of the same name; `storedConversations` lists them. Resolves to
   * undefined without rows, such as before the first question. Pictures from elements and bitmaps cannot be recognised
   * after a reload: rows from the first of them on run again.
   *
   * Throws TypeError for a wrong name, FoveaError `out-of-memory` (no room on disk), `unsupported-model` (no decoder),
   * `device-lost`, `aborted` or `disposed`. Nothing is stored under this name then.
   */
  async saveConversation(name: string, { signal }: ConversationOptions = {}): Promise<StoredConversation | undefined> {
    checkName(name);
    checkSignal(signal);
    const { saveConversation } = await import("./saved-conversation.ts");
    const task = (engine: Engine) => saveConversation(engine, name, signal);
    return this.#lock.run(() => this.#engine.run(task, { signal }), signal);
  }

  /**
   * Reads rows that `saveConversation` wrote. The next question that begins like that conversation only runs its new
   * rows. Damaged rows, or rows of another model, are not used: `problem` says why, and the rows run again. Throws as
   * `saveConversation`, without `out-of-memory` of the disk.
   */
  async restoreConversation(name: string, { signal }: ConversationOptions = {}): Promise<RestoredConversation> {
    checkName(name);
    checkSignal(signal);
    const { restoreConversation } = await import("./saved-conversation.ts");
    const task = (engine: Engine) => restoreConversation(engine, name, signal);
    return this.#lock.run(() => this.#engine.run(task, { signal }), signal);
  }

  /**
   * The model as numbers, for parity tests, research and overlays. Image ids must be as many as pictures, and ids must
   * be in the vocabulary.
   *
   * @throws TypeError or RangeError for a wrong request; FoveaError `context-full`, `unsupported-model` (no decoder),
   * `out-of-memory`, `device-lost` or `disposed`
   */
  async inspect(request: InspectRequest): Promise<Inspection> {
    checkFields("request", request, INSPECT_FIELDS);
    const own = snapshot(request);
    return this.#lock.run(async () => {
      const { inspect, prepareInspection } = await import("./inspect.ts");
      let prepared: PreparedConversation | undefined;
      const prepare = async (engine: Engine) => {
        prepared = await prepareInspection(engine, own);
        await prepared?.pictures.ready();
      };
      try {
        return await this.#engine.run((engine) => inspect(engine, own, prepared), { prepare });
      } finally {
        prepared?.pictures.close();
      }
    });
  }

  /** Frees all GPU memory, and the device unless you passed it. Running requests fail with `disposed`. */
  dispose(): void {
    this.#grammars.dispose();
    this.#engine.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function describe(engine: Engine): ModelInfo {
  const { gpu, spec, parameters, weightBytes, weightType, precision, pictures, text, language } = engine;
  const embedding = embeddingInfo(engine);
  return {
    family: spec.family,
    parameters,
    weightBytes,
    precision,
    weights: weightType,
    keyValues: text?.keyValues ?? "f32",
    adapter: gpu.adapterName,
    contextLength: text?.contextLength ?? 0,
    vocabularySize: spec.decoder?.vocabularySize ?? 0,
    takesPictures: pictures !== undefined,
    takesTools: text !== undefined && language?.loadConvention !== undefined,
    imageTokens: pictures ? pictures.rows.rowsOf(pictures.spec.positions.grid) : 0,
    defaults: engine.defaults,
    canGenerate: text !== undefined && language !== undefined,
    ...(embedding && { embedding }),
    ...engine.about,
    warnings: [...engine.warnings],
  };
}
