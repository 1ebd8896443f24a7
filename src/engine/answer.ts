/** One answer from request to last event: pictures, prompt, prefill, decoding, and the clock of each. */
import type {
  Compression,
  GenerateRequest,
  GenerationEvent,
  GenerationStats,
  ImageInput,
  Inhibition,
  Message,
} from "../api.ts";
import { FoveaError, throwIfAborted } from "../errors.ts";
import { resolveSampling, type SamplingSettings } from "../generate/sampling-settings.ts";
import { type Draft, decodeText } from "../generate/step-loop.ts";
import { Stopping, type StopReason } from "../generate/stopping.ts";
import type { Cmai } from "../model/cmai.ts";
import type { ModelConfig } from "../model/config.ts";
import { planInhibition } from "../model/inhibition.ts";
import { splicePrompt } from "../model/prompt.ts";
import { buildPrompt } from "../text/prompt.ts";
import { StreamDecoder } from "../text/stream-decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { AnswerWatch } from "./answer-attention.ts";
import { Clock } from "./clock.ts";
import type { Engine, TextModel } from "./engine.ts";
import type { Language } from "./language.ts";
import type { Lock } from "./lock.ts";
import { encodeKept } from "./pictures.ts";
import type { RecoveringEngine } from "./recovery.ts";
import { readViews } from "./stages.ts";
import { type EncodedImage, type EncodedPicture, imageTokens } from "./vision-model.ts";

type Emit = (event: GenerationEvent) => void;

/** The paper's setting. */
const DEFAULT_INHIBITION: Inhibition = { maxRatio: 0.6 };

/** One answer, whatever device it runs on. */
interface Work {
  messages: Message[];
  compression: Compression;
  inhibition: Inhibition;
  settings: SamplingSettings;
  watch: AnswerWatch | undefined;
  emit: Emit;
  signal: AbortSignal;
  clock: Clock;
  /** What has been told and is not told again when all of it has to be done again on another device. */
  told: { images: number; prefill: boolean };
  draft: Draft | undefined;
  reason: StopReason | "abort" | undefined;
}

/**
 * Answers a request, ending with a `done` event; an abort ends it so too, in whatever phase. When the device is lost it
 * goes on where it stood. Other errors are thrown, as `Fovea.generate` says.
 */
export async function answer(
  engine: RecoveringEngine,
  lock: Lock,
  request: GenerateRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const clock = new Clock();
  const stats = (): GenerationStats => ({ ...clock.stats(), gpuBytes: engine.memory.gpuBytes });
  try {
    const { messages, inhibition = DEFAULT_INHIBITION, attention = false } = request;
    if (typeof attention !== "boolean") throw new TypeError(`attention must be true or false, got ${typeof attention}`);
    const { vision } = engine.current;
    const { compression = vision?.defaultCompression ?? { method: "none" } } = request;
    const settings = resolveSampling(request);
    const { text } = needText(engine.current);
    vision?.plan(compression);
    planInhibition(inhibition, text.decoder.config);
    const watch = attention ? new AnswerWatch() : undefined;
    const told = { images: 0, prefill: false };
    const asked = { messages, compression, inhibition, settings, watch, emit, signal };
    const work: Work = { ...asked, clock, told, draft: undefined, reason: undefined };
    const onLoss = () => emit({ type: "recovering" });
    try {
      await lock.run(async () => {
        const reason = await engine.run((current) => run(work, current), { signal, onLoss });
        emit({ type: "done", reason, stats: stats() });
      }, signal);
    } finally {
      watch?.dispose();
    }
  } catch (error) {
    if (!(error instanceof FoveaError && error.code === "aborted")) throw error;
    emit({ type: "done", reason: "abort", stats: stats() });
  }
}

function needText({ text, language }: Engine): { text: TextModel; language: Language } {
  if (!text)
    throw new FoveaError("unsupported-model", "this model has no decoder; for a classifier there is encodeImage");
  if (!language)
    throw new FoveaError(
      "unsupported-model",
      "this model has no tokenizer.json in its folder: it can be inspected, but not chatted with",
    );
  return { text, language };
}

/** All of an answer that is not done yet, on this engine. */
async function run(work: Work, engine: Engine): Promise<StopReason | "abort"> {
  const { messages, inhibition, settings, watch, emit, signal, clock, told } = work;
  const { text, language } = needText(engine);
  throwIfAborted(signal, "the question");
  const { tokenizer, template } = language;
  const { ids, continuesText } = buildPrompt(tokenizer, template, messages);
  checkKnownIds(ids, engine.config);
  const { maxTokens, stop: _, ...sampling } = settings;
  try {
    const images: EncodedImage[] = [];
    for (const input of imagesOf(messages)) images.push(await seePicture(work, engine, input, images.length));
    const prompt = splicePrompt(ids, images.map(imageTokens), {
      imageTokenId: engine.config.imageTokenId,
      vocabularySize: text.decoder.config.vocabularySize,
    });
    clock.numbers.promptTokens = prompt.ids.length;
    const prefillStart = performance.now();
    const onInhibition = watch && ((cmai: Cmai) => watch.watch(engine.gpu, cmai));
    await text.conversation.prefill(prompt, { inhibition, maxTokens, signal, onInhibition });
    const milliseconds = performance.now() - prefillStart;
    clock.numbers.prefillMs += milliseconds;
    if (!told.prefill) emit({ type: "prefill", tokens: prompt.ids.length, milliseconds });
    told.prefill = true;

    work.draft ??= beginDraft(tokenizer, settings, continuesText ? ids : []);
    await text.sequence.replay(prompt, work.draft.ids, signal);
    work.reason ??= await decodeText(text.sequence, work.draft, {
      ...{ sampling, maxTokens, signal },
      onText: (shown) => {
        watch?.addText(shown);
        emit({ type: "text", text: shown });
      },
      onToken: () => {
        clock.countToken();
        watch?.addToken();
      },
    });
    text.conversation.append(work.draft.ids, prompt.nextPosition);
    if (watch && work.reason !== "abort") emit({ type: "attention", ...(await watch.read(prompt.ids.length)) });
    return work.reason;
  } finally {
    engine.images.trim();
  }
}

/** @param before ids of text that the answer continues */
function beginDraft(tokenizer: Tokenizer, { maxTokens, stop }: SamplingSettings, before: Iterable<number>): Draft {
  const decoder = new StreamDecoder(tokenizer);
  decoder.prime(before);
  return { ids: [], decoder, stopping: new Stopping({ eosIds: tokenizer.eosIds, maxTokens, stop }) };
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

function imagesOf(messages: readonly Message[]): ImageInput[] {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap((part) => (part.type === "image" ? [part.image] : [])),
  );
}

/** Encodes a picture, or finds it encoded, and tells of it once. */
async function seePicture(work: Work, engine: Engine, input: ImageInput, index: number): Promise<EncodedPicture> {
  const { compression, emit, signal, clock, told } = work;
  throwIfAborted(signal, "the encoding of pictures");
  const start = performance.now();
  const image = await encodeKept(engine, input, compression, signal);
  await engine.gpu.idle();
  const milliseconds = performance.now() - start;
  clock.numbers.visionMs += milliseconds;
  if (index < told.images) return image;
  const tokens = image.features.shape[0]!;
  const views = await readViews(engine.gpu, engine.vision!, image);
  clock.numbers.imageTokensBefore += engine.vision!.tokens;
  clock.numbers.imageTokensAfter += tokens;
  emit({ type: "image", index, tokens, milliseconds, stages: views[0]!.stages, views });
  told.images++;
  return image;
}
