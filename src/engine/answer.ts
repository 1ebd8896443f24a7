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
import { decodeText } from "../generate/step-loop.ts";
import type { Cmai } from "../model/cmai.ts";
import type { ModelConfig } from "../model/config.ts";
import { planInhibition } from "../model/inhibition.ts";
import { splicePrompt } from "../model/prompt.ts";
import { buildPrompt } from "../text/prompt.ts";
import { StreamDecoder } from "../text/stream-decoder.ts";
import { AnswerWatch } from "./answer-attention.ts";
import { Clock } from "./clock.ts";
import type { Engine, TextModel } from "./engine.ts";
import type { Language } from "./language.ts";
import type { Lock } from "./lock.ts";
import { encodeKept } from "./pictures.ts";
import { readStages } from "./stages.ts";
import { type EncodedImage, imageTokens } from "./vision-model.ts";

type Emit = (event: GenerationEvent) => void;

/** The paper's setting. */
const DEFAULT_INHIBITION: Inhibition = { maxRatio: 0.6 };

/** What a running answer works with. */
interface Run {
  engine: Engine;
  text: TextModel;
  language: Language;
  messages: Message[];
  compression: Compression;
  inhibition: Inhibition;
  settings: SamplingSettings;
  watch: AnswerWatch | undefined;
  emit: Emit;
  signal: AbortSignal;
  clock: Clock;
}

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
  const clock = new Clock();
  const stats = (): GenerationStats => ({ ...clock.stats(), gpuBytes: engine.gpu.arena.bytes });
  try {
    const { messages, inhibition = DEFAULT_INHIBITION, attention = false } = request;
    if (typeof attention !== "boolean") throw new TypeError(`attention must be true or false, got ${typeof attention}`);
    const { compression = engine.vision?.defaultCompression ?? { method: "none" } } = request;
    const settings = resolveSampling(request);
    const { text, language } = needText(engine);
    engine.vision?.plan(compression);
    planInhibition(inhibition, text.decoder.config);
    const work = { engine, text, language, messages, compression, inhibition, settings, emit, signal, clock };
    await lock.run(async () => {
      const watch = attention ? new AnswerWatch(engine.gpu) : undefined;
      try {
        const reason = await run({ ...work, watch });
        emit({ type: "done", reason, stats: stats() });
      } finally {
        watch?.dispose();
      }
    }, signal);
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

async function run(work: Run): Promise<"stop" | "length" | "abort"> {
  const { engine, text, language, messages, inhibition, settings, watch, emit, signal, clock } = work;
  engine.gpu.assertAlive();
  throwIfAborted(signal, "the question");
  const { tokenizer, template } = language;
  const { ids, continuesText } = buildPrompt(tokenizer, template, messages);
  checkKnownIds(ids, engine.config);
  const { stop, maxTokens, ...sampling } = settings;
  try {
    const images: EncodedImage[] = [];
    for (const input of imagesOf(messages)) images.push(await seePicture(work, input, images.length));
    const prompt = splicePrompt(ids, images.map(imageTokens), {
      imageTokenId: engine.config.imageTokenId,
      vocabularySize: text.decoder.config.vocabularySize,
    });
    clock.numbers.promptTokens = prompt.ids.length;
    const prefillStart = performance.now();
    const onInhibition = watch && ((cmai: Cmai) => watch.watch(cmai));
    await text.conversation.prefill(prompt, { inhibition, maxTokens, signal, onInhibition });
    clock.numbers.prefillMs = performance.now() - prefillStart;
    emit({ type: "prefill", tokens: prompt.ids.length, milliseconds: clock.numbers.prefillMs });

    const decoder = new StreamDecoder(tokenizer);
    if (continuesText) decoder.prime(ids);
    const generated: number[] = [];
    const reason = await decodeText(text.sequence, {
      sampling,
      decoder,
      signal,
      eosIds: tokenizer.eosIds,
      maxTokens,
      stop,
      onText: (shown) => {
        watch?.addText(shown);
        emit({ type: "text", text: shown });
      },
      onToken: (id) => {
        clock.countToken();
        watch?.addToken();
        generated.push(id);
      },
    });
    text.conversation.append(generated, prompt.nextPosition);
    if (watch && reason !== "abort") emit({ type: "attention", ...(await watch.read(prompt.ids.length)) });
    return reason;
  } finally {
    engine.images.trim();
  }
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

/** Encodes a picture, or finds it encoded, and tells of it. */
async function seePicture(work: Run, input: ImageInput, index: number): Promise<EncodedImage> {
  const { engine, compression, emit, signal, clock } = work;
  throwIfAborted(signal, "the encoding of pictures");
  const start = performance.now();
  const image = await encodeKept(engine, input, compression, signal);
  await engine.gpu.idle();
  const milliseconds = performance.now() - start;
  const tokens = image.features.shape[0]!;
  clock.numbers.visionMs += milliseconds;
  clock.numbers.imageTokensBefore += engine.vision?.tokens ?? 0;
  clock.numbers.imageTokensAfter += tokens;
  emit({ type: "image", index, tokens, milliseconds, stages: await readStages(engine.gpu, image.stages) });
  return image;
}
