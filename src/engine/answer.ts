/** One answer from request to last event: pictures, prompt, prefill, decoding, and the clock of each. */
import type { Compression, GenerateRequest, GenerationEvent, GenerationStats } from "../api.ts";
import { FoveaError, throwIfAborted } from "../errors.ts";
import { resolveSampling, type SamplingSettings } from "../generate/sampling-settings.ts";
import { decodeText } from "../generate/step-loop.ts";
import type { ModelConfig } from "../model/config.ts";
import { splicePrompt } from "../model/prompt.ts";
import type { ImageInput } from "../shared/picture.ts";
import { buildPrompt } from "../text/prompt.ts";
import { StreamDecoder } from "../text/stream-decoder.ts";
import { encodePicture } from "./classify.ts";
import type { Engine, TextModel } from "./engine.ts";
import type { Language } from "./language.ts";
import type { Lock } from "./lock.ts";
import { readStages } from "./stages.ts";
import { type EncodedImage, imageTokens } from "./vision-model.ts";

type Emit = (event: GenerationEvent) => void;

/** The paper's setting. */
const DEFAULT_COMPRESSION: Compression = { method: "vmtc", ratio: 0.5 };

/**
 * Answers a request, ending with a `done` event; an abort ends it so too, in whatever phase. Other errors are thrown, as
 * `Fovea.generate` says.
 */
export async function answer(
  engine: Engine,
  lock: Lock,
  request: GenerateRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const clock = new Clock(engine);
  try {
    const settings = resolveSampling(request);
    const { text, language } = engine;
    if (!text || !language)
      throw new FoveaError(
        "unsupported-model",
        text
          ? "this model has no tokenizer.json in its folder: it can be inspected, but not chatted with"
          : "this model has no decoder; for a classifier there is encodeImage",
      );
    await lock.run(() => run({ engine, text, language, request, settings, emit, signal, clock }), signal);
  } catch (error) {
    if (!(error instanceof FoveaError && error.code === "aborted")) throw error;
    emit({ type: "done", reason: "abort", stats: clock.stats() });
  }
}

interface Run {
  engine: Engine;
  text: TextModel;
  language: Language;
  request: GenerateRequest;
  settings: SamplingSettings;
  emit: Emit;
  signal: AbortSignal;
  clock: Clock;
}

async function run({ engine, text, language, request, settings, emit, signal, clock }: Run): Promise<void> {
  engine.gpu.assertAlive();
  throwIfAborted(signal, "the question");
  const { tokenizer, template } = language;
  const { ids, continuesText } = buildPrompt(tokenizer, template, request.messages);
  checkKnownIds(ids, engine.config);
  const images: EncodedImage[] = [];
  try {
    for (const input of imagesOf(request))
      images.push(await seePicture(engine, input, request, images.length, { emit, signal, clock }));
    const prompt = splicePrompt(ids, images.map(imageTokens), {
      imageTokenId: engine.config.imageTokenId,
      vocabularySize: text.decoder.config.vocabularySize,
    });
    clock.numbers.promptTokens = prompt.ids.length;
    const prefillStart = performance.now();
    await text.sequence.prefill(prompt, { signal });
    clock.numbers.prefillMs = performance.now() - prefillStart;
    emit({ type: "prefill", tokens: prompt.ids.length, milliseconds: clock.numbers.prefillMs });
  } finally {
    for (const { arena } of images) arena.dispose();
  }

  const decoder = new StreamDecoder(tokenizer);
  if (continuesText) decoder.prime(ids);
  const { stop, maxTokens, ...sampling } = settings;
  const reason = await decodeText(text.sequence, {
    sampling,
    decoder,
    signal,
    eosIds: tokenizer.eosIds,
    maxTokens,
    stop,
    onText: (shown) => emit({ type: "text", text: shown }),
    onToken: () => clock.countToken(),
  });
  emit({ type: "done", reason, stats: clock.stats() });
}

/** A tokenizer may have ids that the model lacks, such as one for padding; a prompt that holds one cannot be answered. */
function checkKnownIds(ids: readonly number[], { decoder, imageTokenId }: ModelConfig): void {
  const { vocabularySize } = decoder!;
  const unknown = ids.find((id) => id >= vocabularySize && id !== imageTokenId);
  if (unknown !== undefined)
    throw new FoveaError(
      "unsupported-model",
      `the tokenizer makes the id ${unknown} of the question, but the model's vocabulary has ${vocabularySize}; tokenizer.json is of another model`,
    );
}

function imagesOf({ messages }: GenerateRequest): ImageInput[] {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap((part) => (part.type === "image" ? [part.image] : [])),
  );
}

async function seePicture(
  engine: Engine,
  input: ImageInput,
  { compression = DEFAULT_COMPRESSION }: GenerateRequest,
  index: number,
  { emit, signal, clock }: { emit: Emit; signal: AbortSignal; clock: Clock },
): Promise<EncodedImage> {
  throwIfAborted(signal, "the encoding of pictures");
  const start = performance.now();
  const image = await encodePicture(engine, input, { compression, signal });
  try {
    await engine.gpu.idle();
    const milliseconds = performance.now() - start;
    const tokens = image.features.shape[0]!;
    clock.numbers.visionMs += milliseconds;
    clock.numbers.imageTokensBefore += engine.vision?.tokens ?? 0;
    clock.numbers.imageTokensAfter += tokens;
    const stages = await readStages(engine.gpu, image.stages);
    emit({ type: "image", index, tokens, milliseconds, stages });
    return image;
  } catch (error) {
    image.arena.dispose();
    throw error;
  }
}

/** Times and counts of one answer. */
class Clock {
  readonly numbers = { imageTokensBefore: 0, imageTokensAfter: 0, promptTokens: 0, visionMs: 0, prefillMs: 0 };
  readonly #engine: Engine;
  readonly #start = performance.now();
  #firstToken: number | undefined;
  #lastToken = 0;
  #newTokens = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  countToken(): void {
    this.#lastToken = performance.now();
    this.#firstToken ??= this.#lastToken;
    this.#newTokens++;
  }

  stats(): GenerationStats {
    const decodeMs = this.#firstToken === undefined ? 0 : this.#lastToken - this.#firstToken;
    return {
      ...this.numbers,
      newTokens: this.#newTokens,
      decodeMs,
      totalMs: performance.now() - this.#start,
      timeToFirstTokenMs: this.#firstToken === undefined ? 0 : this.#firstToken - this.#start,
      // The first token comes out of prefill; the others are decoding's.
      tokensPerSecond: decodeMs > 0 ? ((this.#newTokens - 1) * 1000) / decodeMs : 0,
      gpuBytes: this.#engine.gpu.arena.bytes,
    };
  }
}
