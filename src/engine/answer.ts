/** One answer from request to last event: pictures, prompt, prefill and decoding, each with its time. */
import type { GenerateRequest, GenerationEvent, GenerationStats, Inhibition, Message } from "../api.ts";
import { FoveaError, throwIfAborted } from "../errors.ts";
import { resolveSampling, type SamplingSettings } from "../generate/sampling-settings.ts";
import { type Constraint, type Draft, decodeText } from "../generate/step-loop.ts";
import { Stopping, type StopReason } from "../generate/stopping.ts";
import { type FormatSource, formatSource } from "../grammar/format-source.ts";
import { type PromptRows, promptRows } from "../model/decoder/prompt-rows.ts";
import { type EncodedPicture, promptPicture, rowsInPrompt } from "../model/encoder/encoded-picture.ts";
import type { Inhibitor } from "../model/inhibition/inhibitor.ts";
import { planInhibition } from "../model/inhibition/plan.ts";
import { checkDocuments, type TextDocument } from "../shared/documents.ts";
import { nextMacrotask } from "../shared/macrotask.ts";
import type { PictureRun } from "../spec/picture-spec.ts";
import { buildPrompt } from "../text/prompt.ts";
import { StreamDecoder } from "../text/stream-decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { AnswerWatch } from "./answer-attention.ts";
import { AnswerLog } from "./answer-log.ts";
import { Clock } from "./clock.ts";
import { type AnswerGrammars, beginConstraint, formatDecoder } from "./constraint.ts";
import {
  checkKnownIds,
  needLanguage,
  type PreparedConversation,
  prepareConversation,
  questionIds,
} from "./conversation-prompt.ts";
import type { Engine, TextModel } from "./engine.ts";
import { pixelLimit } from "./fit-pictures.ts";
import { imageKey, type PictureOptions } from "./image-cache.ts";
import type { Language } from "./language.ts";
import type { Lock } from "./lock.ts";
import { checkBudget, encodeKept, needPictures, optionsOf, readsAsSeveral } from "./pictures.ts";
import { readSeenViews, viewsInOrder } from "./read-views.ts";
import type { RecoveringEngine } from "./recovery.ts";
import type { RequestPicture } from "./request-pictures.ts";
import type { ToolUse } from "./tool-use.ts";
import { wantsTools } from "./wants-tools.ts";

type Emit = (event: GenerationEvent) => void;

/** The state of one answer, independent of the device. */
interface Work {
  messages: Message[];
  documents: TextDocument[] | undefined;
  pictures: PictureOptions;
  inhibition: Inhibition;
  settings: SamplingSettings;
  watch: AnswerWatch | undefined;
  emit: Emit;
  signal: AbortSignal;
  clock: Clock;
  prepared: PreparedConversation | undefined;
  /** Events already emitted, which a rerun on another device does not repeat. */
  reported: { images: number; prefill: boolean };
  draft: Draft | undefined;
  log: AnswerLog | undefined;
  format: FormatSource | undefined;
  grammars: AnswerGrammars;
  /** Undefined for an answer without tools. */
  tools: ToolUse | undefined;
  constraint: Constraint | undefined;
  reason: StopReason | "abort" | undefined;
}

/**
 * Answers a request and ends with a `done` event, also after an abort in any phase. After a device loss it continues
 * from its tokens so far. Other errors are thrown as by `Fovea.generate`.
 */
export async function answer(
  engine: RecoveringEngine,
  lock: Lock,
  grammars: AnswerGrammars,
  request: GenerateRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const clock = new Clock();
  let toolUse: ToolUse | undefined;
  const end = (reason: StopReason | "abort") => {
    for (const event of toolUse?.end() ?? []) emit(event);
    const toolCalls = toolUse?.calls ?? [];
    emit({ type: "done", reason, stats: stats(), ...(toolCalls.length > 0 && { toolCalls }) });
  };
  const stats = (): GenerationStats => ({ ...clock.stats(), gpuBytes: engine.memory.gpuBytes });
  try {
    const work = beginWork(engine.current, request, { grammars, emit, signal, clock });
    const tools = wantsTools(request)
      ? import("./tool-use.ts").then(({ prepareTools }) => prepareTools(engine.current, request))
      : undefined;
    // Errors of `tools` are thrown below.
    tools?.catch(() => {});
    const onLoss = () => emit({ type: "recovering" });
    const onCompile = (milliseconds: number) => {
      clock.numbers.compileMs += milliseconds;
      if (milliseconds === 0) emit({ type: "compiling" });
    };
    try {
      await lock.run(async () => {
        toolUse = await tools;
        work.tools = toolUse;
        const hooks = { prepare: (current: Engine) => prepare(work, current), onLoss, onCompile };
        const reason = await engine.run((current) => run(work, current), { signal, ...hooks });
        end(reason);
      }, signal);
    } finally {
      work.watch?.dispose();
      work.prepared?.pictures.close();
    }
  } catch (error) {
    if (!(error instanceof FoveaError && error.code === "aborted")) throw error;
    end("abort");
  }
}

/** The state of a new answer. Throws TypeError or RangeError for a wrong request, and as `needText`. */
function beginWork(
  engine: Engine,
  request: GenerateRequest,
  shared: Pick<Work, "grammars" | "emit" | "signal" | "clock">,
): Work {
  const { defaults, pictures: encoder, spec } = engine;
  const { messages, inhibition = defaults.inhibition, attention = false } = request;
  if (typeof attention !== "boolean") throw new TypeError(`attention must be true or false, got ${typeof attention}`);
  const { compression = defaults.compression, pictures: budget = {} } = request;
  checkBudget(budget);
  const { text } = needText(engine);
  const format = request.format === undefined ? undefined : formatSource(request.format);
  const settings = resolveSampling(request, text.decoder.spec.vocabularySize);
  encoder?.rows.planViews(compression, [spec.encoder!.positions.grid]);
  planInhibition(inhibition, text.decoder.spec.layers);
  return {
    ...shared,
    messages,
    documents: checkDocuments(request.documents),
    pictures: { compression, budget },
    inhibition,
    settings,
    format,
    watch: attention ? new AnswerWatch() : undefined,
    reported: { images: 0, prefill: false },
    prepared: undefined,
    draft: undefined,
    log: undefined,
    tools: undefined,
    constraint: undefined,
    reason: undefined,
  };
}

function needText(engine: Engine): { text: TextModel; language: Language } {
  const { text } = engine;
  if (!text)
    throw new FoveaError("unsupported-model", "this model has no decoder; for a classifier there is encodeImage");
  return { text, language: needLanguage(engine) };
}

/** Runs the part of an answer that needs no GPU. */
async function prepare(work: Work, engine: Engine): Promise<void> {
  const { messages, documents, signal } = work;
  throwIfAborted(signal, "the question");
  work.prepared = await prepareConversation(engine, messages, { signal, documents, ...work.tools?.prompt });
  // The template may have taken a while; an abort may have come meanwhile.
  await nextMacrotask();
  throwIfAborted(signal, "the question");
  const several = readsAsSeveral(engine, work.prepared.pictures.all.length);
  const pictures = { ...work.pictures, several, question: questionIds(engine, work.prepared.rendered) };
  work.pictures = pictures;
  await work.prepared.pictures.ready((key, input) => engine.images.has(imageKey(key, optionsOf(input, pictures))));
}

/** Runs the rest of an answer on this engine. */
async function run(work: Work, engine: Engine): Promise<StopReason | "abort"> {
  const { settings, watch, emit, signal, clock } = work;
  const { text, language } = needText(engine);
  throwIfAborted(signal, "the question");
  const { tokenizer } = language;
  const { rendered, pictures: inputs } = work.prepared!;
  try {
    const seen: SeenPicture[] = [];
    for (const input of inputs.all) seen.push(await seePicture(work, engine, input, seen.length));
    const placed = buildPrompt(
      tokenizer,
      rendered,
      seen.map(({ runs }) => runs),
    );
    checkKnownIds(placed.ids, engine.spec);
    const pictures = seen.map(({ picture, runs, source }) => promptPicture(picture, viewsInOrder(runs), source));
    const { axes, spec } = text.decoder;
    const prompt = promptRows(placed, pictures, { ...spec, axes });
    clock.numbers.promptTokens = prompt.ids.length;
    await constrain(work, tokenizer);
    work.draft ??= beginDraft(work, tokenizer, placed.continuesText ? placed.ids : undefined);
    if (settings.topLogprobs !== undefined) work.log ??= new AnswerLog(tokenizer);
    let reason: StopReason | "abort" | "outgrown";
    do reason = await decode(work, engine, text, prompt, work.draft);
    while (reason === "outgrown");
    work.reason = reason;
    text.conversation.append(work.draft.ids, prompt.nextPosition);
    if (watch && reason !== "abort") emit({ type: "attention", ...(await watch.read(prompt.ids.length)) });
    return reason;
  } finally {
    engine.images.trim();
  }
}

/** Runs the prompt and the tokens of the draft, then continues it. Returns as `decodeText`. */
async function decode(
  { inhibition, settings, constraint, tools, watch, log, emit, signal, clock, reported, reason }: Work,
  { gpu, language }: Engine,
  { decoder, conversation, sequence }: TextModel,
  prompt: PromptRows,
  draft: Draft,
): Promise<StopReason | "abort" | "outgrown"> {
  const { maxTokens, stop: _, ...sampling } = settings;
  const prefillStart = performance.now();
  const onInhibition = watch && ((inhibitor: Inhibitor) => watch.watch(gpu, inhibitor));
  const generated = draft.ids.length;
  const turnEnds = new Set(language?.tokenizer.eosIds);
  const reused = await conversation.prefill(prompt, {
    ...{ inhibition, maxTokens, turnEnds, generated, signal, onInhibition },
  });
  const milliseconds = performance.now() - prefillStart;
  clock.numbers.prefillMs += milliseconds;
  if (!reported.prefill) clock.numbers.reusedTokens = reused;
  if (decoder.spec.layers.some(({ delta }) => delta)) clock.reuse = "saved points";
  if (!reported.prefill) emit({ type: "prefill", tokens: prompt.ids.length, milliseconds });
  reported.prefill = true;

  await sequence.replay(prompt, draft.ids, signal);
  if (reason) return reason;
  return decodeText(sequence, draft, {
    ...{ constraint, sampling, maxTokens, signal },
    onText: (shown) => {
      watch?.addText(shown);
      const tokens = log?.addText(shown) ?? [];
      if (tokens.length > 0) emit({ type: "logprobs", tokens });
      for (const event of tools ? tools.push(shown) : [{ type: "text", text: shown } as const]) emit(event);
    },
    isOver: tools && (() => tools.isOver),
    onToken: (token, text) => {
      clock.countToken();
      log?.addToken(token, text);
      watch?.addToken();
    },
  });
}

/** Begins the format of the answer, or that of a required call. */
async function constrain(work: Work, tokenizer: Tokenizer): Promise<void> {
  const { format, tools, grammars, emit, signal } = work;
  const source = format ?? tools?.source;
  if (!source) return;
  const grammar = await (format ? grammars.formats() : grammars.calls(tools!.markIds));
  work.constraint ??= await beginConstraint(grammar, source, tokenizer, signal, emit);
}

/** @param before ids of text that the answer continues; undefined for an answer of its own */
function beginDraft({ constraint, tools, settings }: Work, tokenizer: Tokenizer, before?: Iterable<number>): Draft {
  const { maxTokens, stop } = settings;
  const eosIds = [...tokenizer.eosIds, ...(tools?.endIds ?? [])];
  const stopping = new Stopping({ eosIds, maxTokens, stop });
  if (constraint) return { ids: [], decoder: formatDecoder(tokenizer, tools?.markIds), stopping };
  if (tools) return { ids: [], decoder: tools.decoder(tokenizer), stopping };
  const decoder = new StreamDecoder(tokenizer, { dropFirstSpace: before === undefined });
  decoder.prime(before ?? []);
  return { ids: [], decoder, stopping };
}

/** An encoded picture, and its place in the prompt. */
interface SeenPicture {
  picture: EncodedPicture;
  runs: readonly PictureRun[];
  /** Identifies its rows, see `PictureRows.source`. */
  source: string;
}

/** Encodes a picture, or finds it encoded, and emits its event once. */
async function seePicture(work: Work, engine: Engine, input: RequestPicture, index: number): Promise<SeenPicture> {
  const { emit, signal, clock, reported } = work;
  throwIfAborted(signal, "the encoding of pictures");
  const { encoder, pictures } = needPictures(engine);
  const start = performance.now();
  const { picture, source, reused } = await encodeKept(engine, input, work.pictures, signal);
  await engine.gpu.idle();
  const milliseconds = performance.now() - start;
  clock.numbers.visionMs += milliseconds;
  const runs = pictures.runs(picture.plan, rowsInPrompt(picture));
  if (index < reported.images) return { picture, runs, source };
  const views = await readSeenViews(engine.gpu, encoder, picture, viewsInOrder(runs));
  const before = encoder.rows.wholeRows(picture.plan);
  const tokens = rowsInPrompt(picture).reduce((sum, rows) => sum + rows, 0);
  const maxPixels = pixelLimit(pictures, input.budgetUnder(work.pictures.budget));
  const cost = { views: views.length, tokensBefore: before, tokensAfter: tokens, reused };
  clock.addPicture({ ...cost, ...(maxPixels !== undefined && { maxPixels }) });
  emit({ type: "image", index, tokens, milliseconds, stages: views[0]!.stages, views });
  reported.images++;
  return { picture, runs, source };
}
