/**
 * The tools of one answer: the model's convention, the grammar of calls, and calls in the answer's text. Loaded on
 * demand.
 */
import type { GenerationEvent, ToolCall } from "../api.ts";
import { FoveaError } from "../errors.ts";
import type { AnswerDecoder } from "../generate/step-loop.ts";
import { callSource, type FormatSource } from "../grammar/format-source.ts";
import { checkTools } from "../shared/check-tools.ts";
import type { Tool } from "../shared/tools.ts";
import type { ToolPrompt } from "../text/chat-template.ts";
import { StreamDecoder } from "../text/stream-decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { CallStream } from "../text/tool-calls/call-stream.ts";
import type { Engine } from "./engine.ts";
import { mentionsCalls, type ToolFields } from "./wants-tools.ts";

/** Letters and digits of a call's id, the number that the strictest published templates require. */
const ID_LENGTH = 9;
const ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

export interface ToolUse {
  readonly prompt: ToolPrompt;
  /** Ids of the convention's tokens, which are text in this answer. */
  readonly markIds: ReadonlySet<number>;
  /** Ids that end the answer, besides the tokenizer's. */
  readonly endIds: readonly number[];
  /** The format of an answer that must be a call. */
  readonly source: FormatSource | undefined;
  /** True if the request wants no further call. */
  readonly isOver: boolean;
  readonly calls: ToolCall[];
  /** Text of a free answer, in which the convention's tokens are text. */
  decoder(tokenizer: Tokenizer): AnswerDecoder;
  /** Events of text that can no longer change. */
  push(text: string): GenerationEvent[];
  /** Events of text that was held back. */
  end(): GenerationEvent[];
}

/**
 * Reads the tools of a request; undefined for a request without any.
 *
 * @throws TypeError or RangeError for wrong fields
 * @throws FoveaError `unsupported-model` where the model has no known convention
 */
export async function prepareTools(engine: Engine, request: ToolFields): Promise<ToolUse | undefined> {
  const { parallelToolCalls: isParallel = true } = request;
  if (typeof isParallel !== "boolean")
    throw new TypeError(`parallelToolCalls must be true or false, got ${typeof isParallel}`);
  const { tools, required } = checkTools(request.tools, request.toolChoice);
  const { tokenizer, loadConvention } = engine.language!;
  if (tools.length === 0 && !mentionsCalls(request)) return undefined;
  if (!loadConvention)
    throw new FoveaError(
      "unsupported-model",
      "this model cannot call tools: its chat template has no known form for them; remove tools and tool messages",
    );
  if (tools.length > 0 && request.format !== undefined)
    throw new RangeError('format and tools exclude each other; leave one out, or set toolChoice to "none"');
  return load(tokenizer, loadConvention, { tools, required, isParallel });
}

interface Wanted {
  tools: readonly Tool[];
  required: readonly Tool[] | undefined;
  isParallel: boolean;
}

async function load(
  tokenizer: Tokenizer,
  loadConvention: NonNullable<Engine["language"]>["loadConvention"] & object,
  { tools, required, isParallel }: Wanted,
): Promise<ToolUse> {
  const [convention, { CallStream }] = await Promise.all([
    loadConvention(),
    import("../text/tool-calls/call-stream.ts"),
  ]);
  const stream: CallStream = new CallStream(convention, tools, makeId);
  const idsOf = (texts: readonly string[]) => texts.flatMap((text) => tokenizer.tokenId(text) ?? []);
  const { openings, marks, ends = [], write: writeCalls } = convention;
  // Without tools the answer is text; earlier calls are part of the prompt.
  if (tools.length === 0)
    return {
      prompt: { writeCalls },
      markIds: new Set(),
      endIds: [],
      source: undefined,
      isOver: false,
      calls: [],
      decoder: (own) => callDecoder(own, new Set()),
      push: (text) => [{ type: "text", text }],
      end: () => [],
    };
  const isOver = () => !isParallel && stream.calls.length > 0;
  const markIds = new Set(idsOf([...openings, ...marks]));
  return {
    prompt: { tools, writeCalls },
    markIds,
    endIds: idsOf(ends),
    source: required && callSource(convention.form(required, isParallel)),
    get isOver() {
      return isOver();
    },
    get calls() {
      return stream.calls;
    },
    decoder: (own) => callDecoder(own, markIds),
    push: (text) => (isOver() ? [] : stream.push(text)),
    end: () => (isOver() ? [] : stream.end()),
  };
}

function makeId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(bytes, (byte) => ID_CHARACTERS[byte % ID_CHARACTERS.length]).join("");
}

function callDecoder(tokenizer: Tokenizer, markIds: ReadonlySet<number>): AnswerDecoder {
  const source = {
    hasId: (id: number) => tokenizer.hasId(id),
    isSpecial: (id: number) => tokenizer.isSpecial(id) && !markIds.has(id),
    decode: (ids: Iterable<number>, options?: { skipSpecialTokens?: boolean }) => tokenizer.decode(ids, options),
  };
  return new StreamDecoder(source, { dropFirstSpace: true });
}
