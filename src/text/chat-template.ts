/**
 * Renders a conversation as the prompt that the model was trained on. It uses its own template, else the family's plain
 * format, else bare text. Renders text; prompt.ts encodes it.
 */

import type { TextDocument } from "../shared/documents.ts";
import { mapStrings, type TemplateCall } from "../shared/past-calls.ts";
import type { Tool } from "../shared/tools.ts";
import type { PromptFormat, QueryFormat, TranscriptFormat } from "../spec/prompt-spec.ts";
import { type ContentForms, probeTemplate, type TemplateMessage } from "./content-forms.ts";
import { JinjaTemplate, TemplateRefusal } from "./jinja.ts";
import { reject } from "./json.ts";
import { unmark } from "./literal.ts";
import type { ChatPart, CheckedMessage } from "./messages.ts";
import { writeFormat, writeQuery, writeTranscript } from "./prompt-format.ts";
import { companion, type TokenizerFiles, templateTokens } from "./special-tokens.ts";
import { TemplateBudget } from "./template-budget.ts";
import { findTemplate } from "./template-source.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Text, in which users' parts are marked by `Tokenizer.literal`, and ids between. */
export type PromptPieces = readonly (string | number)[];

/** The tools in a prompt. */
export interface ToolPrompt {
  tools?: readonly Tool[] | undefined;
  /** Writes calls of an earlier answer, for a template that does not. */
  writeCalls?: ((calls: readonly TemplateCall[]) => string) | undefined;
  /** Documents that the answer may draw on. */
  documents?: readonly TextDocument[] | undefined;
}

/** Writes a message's text so that it stays text. */
type Literal = (text: string, role: CheckedMessage["role"]) => string;

/** Matches a template that expects tools in its system message, as text, instead of in a variable. */
const TOOLS_IN_MESSAGE = /\b\w+(\[['"]tools['"]\]|\.tools\b)/;
/** The name of a second template that some models have for conversations with tools. */
const FOR_TOOLS = "tool_use";

/** A field of container formats with this rule; Hugging Face's files leave BOS to their templates. */
const EVERY_PROMPT_BEGINS_WITH_BOS = "every_prompt_begins_with_bos";

export interface ChatTemplateOptions {
  /** The format of a model without a template; without a format the prompt is the messages' bare text. */
  fallback?: PromptFormat | QueryFormat | TranscriptFormat | undefined;
  /** Follows a picture's mark in a message that is one string; default a line break. */
  afterMark?: string | undefined;
  /** BOS precedes every prompt, even if the template has written it. */
  repeatsBos?: boolean | undefined;
  /** The time that the template reads; default the time of rendering. */
  now?: () => Date;
}

/** The prompt format of one model. */
export class ChatTemplate {
  /** "template": the model's own; the others replace a missing one. */
  readonly kind: "template" | "format" | "query" | "transcript" | "completion";
  /** Every prompt begins with BOS, even if the template does not write it. */
  readonly addsBos: boolean;
  /** Prompts begin with BOS twice if the template writes it. */
  readonly repeatsBos: boolean;
  readonly #tokenizer: Tokenizer;
  readonly #template: JinjaTemplate | undefined;
  /** For conversations with tools. */
  readonly #toolTemplate: JinjaTemplate | undefined;
  readonly #findsToolsInMessage: boolean;
  readonly #writesCalls: boolean;
  readonly #readsDocuments: boolean;
  /** Text of all templates; empty for a model without one. */
  readonly source: string;
  /** Text that the model's template writes between an answer and the next question; empty without one. */
  readonly afterAnswer: string;
  readonly #forms: ContentForms | undefined;
  readonly #format: PromptFormat | undefined;
  readonly #query: QueryFormat | undefined;
  readonly #transcript: TranscriptFormat | undefined;
  readonly #afterMark: string;
  readonly #now: () => Date;
  /** Tokens that the template may write by name. */
  readonly #tokens: Readonly<Record<string, string | string[]>>;

  /**
   * @throws FoveaError `unsupported-model` for a template that cannot be parsed or cannot write one message of a user
   */
  static parse(files: TokenizerFiles, tokenizer: Tokenizer, options: ChatTemplateOptions = {}): ChatTemplate {
    return new ChatTemplate(files, tokenizer, options);
  }

  private constructor(files: TokenizerFiles, tokenizer: Tokenizer, options: ChatTemplateOptions) {
    this.#tokenizer = tokenizer;
    this.#now = options.now ?? (() => new Date());
    this.#tokens = templateTokens(files);
    this.addsBos = companion(files, "tokenizer_config.json")[EVERY_PROMPT_BEGINS_WITH_BOS] === true;
    this.repeatsBos = options.repeatsBos === true;
    const source = findTemplate(files);
    this.#template = source && new JinjaTemplate(source.text, source.where);
    const forTools = findTemplate(files, FOR_TOOLS);
    this.#toolTemplate = forTools ? new JinjaTemplate(forTools.text, forTools.where) : this.#template;
    this.source = `${source?.text ?? ""}${forTools?.text ?? ""}`;
    this.#writesCalls = this.source.includes("tool_calls");
    this.#readsDocuments = /\bdocuments\b/.test(this.source);
    this.#findsToolsInMessage = TOOLS_IN_MESSAGE.test(this.source) && !/\b(if|in) tools\b/.test(this.source);
    const { fallback } = options;
    if (fallback && "closing" in fallback) this.#query = fallback;
    else if (fallback && "speaker" in fallback) this.#transcript = fallback;
    else this.#format = fallback;
    this.#afterMark = options.afterMark ?? "\n";
    const standIn = this.#query ? "query" : this.#transcript ? "transcript" : this.#format ? "format" : "completion";
    this.kind = source ? "template" : standIn;
    // One budget for all renderings: a load must not take the time of a dozen hostile ones.
    const budget = new TemplateBudget();
    const render = (probe: readonly TemplateMessage[]) => this.#run(probe, true, budget);
    const probed = source && probeTemplate(render, tokenizer.imageToken?.inTemplate, source.where);
    this.#forms = probed?.forms;
    this.afterAnswer = probed?.afterAnswer ?? "";
    // If a rendering was cut off, its form is not known to be refused.
    if (budget.isUsedUp) reject(source!.where, "the template takes too long to write a few short messages");
  }

  /**
   * The prompt, with one placeholder for each picture.
   *
   * @param addGenerationPrompt end with the start of an answer
   * @param use tools that the prompt describes, and a writer of calls for a template without one
   * @throws RangeError if the template refuses the conversation, with its message. Also for a conversation without a
   * template, because the model can only continue one text
   * @throws FoveaError `unsupported-model` if it fails
   */
  render(messages: readonly CheckedMessage[], addGenerationPrompt: boolean, use: ToolPrompt = {}): PromptPieces {
    if (use.documents && !this.#readsDocuments)
      throw new RangeError("documents: this model's chat template has no place for them; write them into a message");
    if (this.kind !== "template" && messages.some(({ role, calls }) => role === "tool" || calls))
      throw new RangeError("messages: this model has no chat template, so it cannot read calls and results of tools");
    if (this.kind === "completion") return [this.#string(onlyText(messages))];
    if (this.kind === "format") {
      const texts = messages.map((message) => ({ role: message.role, text: this.#string(message) }));
      return writeFormat(this.#format!, texts, this.#tokenizer.eosIds[0], addGenerationPrompt);
    }
    if (this.kind === "transcript") {
      const { bosId, imageToken } = this.#tokenizer;
      const place = imageToken?.inTemplate ?? "";
      return writeTranscript(this.#transcript!, messages, {
        bosId,
        addGenerationPrompt,
        place,
        literal: this.#literal,
      });
    }
    if (this.kind === "query") return writeQuery(this.#query!, this.#queried(messages), this.#tokenizer.bosId);
    try {
      return [this.#renderSafely(messages, addGenerationPrompt, use)];
    } catch (error) {
      if (!(error instanceof TemplateRefusal)) throw error;
      throw new RangeError(`messages: the model's chat template refuses them, "${error.message}"`, { cause: error });
    }
  }

  /**
   * The text to report for a prompt; for a query the input of the model's processor, without its own additions.
   *
   * @param pieces as `render` made them
   */
  textOf(messages: readonly CheckedMessage[], pieces: PromptPieces): string {
    if (this.kind !== "query")
      return pieces.map((piece) => (typeof piece === "string" ? unmark(piece) : this.#tokenizer.token(piece))).join("");
    const { places, texts } = this.#queried(messages);
    return unmark((this.#query!.unmarked ? "" : places.join("")) + texts.join("\n"));
  }

  /** The texts of a query, without picture placeholders; undefined for other kinds. */
  questionOf(messages: readonly CheckedMessage[]): string | undefined {
    return this.kind === "query" ? unmark(this.#queried(messages).texts.join("\n")) : undefined;
  }

  /** The pictures' places and the messages' texts; messages without text are left out. */
  #queried(messages: readonly CheckedMessage[]): { places: string[]; texts: string[] } {
    const image = this.#tokenizer.imageToken?.inTemplate ?? "";
    const texts = messages.map(({ role, parts }) =>
      parts.map((part) => (part.type === "text" ? this.#literal(part.text, role) : "")).join(""),
    );
    const places = messages.flatMap(({ parts }) => parts.flatMap(({ type }) => (type === "image" ? [image] : [])));
    return { places, texts: texts.filter((text) => text !== "") };
  }

  /** Runs the template, and a second time if it may have turned the messages' text into control tokens. */
  #renderSafely(messages: readonly CheckedMessage[], addGenerationPrompt: boolean, use: ToolPrompt): string {
    const { tools = [], writeCalls, documents } = use;
    const budget = new TemplateBudget();
    const { standIns } = this.#tokenizer;
    const write = (literal: Literal) => {
      const own = tools.length > 0 ? mapStrings(tools, (text) => literal(text, "system")) : undefined;
      const read = documents && mapStrings(documents, (text) => literal(text, "system"));
      const contents = this.#contents(messages, literal, { tools: own, writeCalls });
      return this.#run(contents, addGenerationPrompt, budget, { tools: own, documents: read });
    };
    const prompt = write(this.#literal);
    let mayBegin = false;
    const look = (text: string) => {
      mayBegin ||= standIns.mayBegin(text);
      return text;
    };
    mapStrings([messages.map(({ parts, calls }) => [parts, calls]), tools, documents], look);
    if (!mayBegin) return prompt;
    const guarded = standIns.putBack(write((text, role) => standIns.standIn(text, role === "assistant")));
    return standIns.tokensIn(prompt) === standIns.tokensIn(guarded) ? prompt : guarded;
  }

  #contents(
    messages: readonly CheckedMessage[],
    literal: Literal,
    { tools, writeCalls }: ToolPrompt,
  ): TemplateMessage[] {
    const contents = messages.map((message): TemplateMessage => {
      // The caller's form if the template accepts it, as in transformers.
      const forms = this.#forms![message.role];
      const isParts = forms.has(message.form) ? message.form === "parts" : forms.has("parts");
      const { role, calls, callId, name } = message;
      const written = (text: string) => literal(text, role);
      const own = calls && mapStrings(calls, written);
      const after = own && !this.#writesCalls && writeCalls ? writeCalls(own) : "";
      return {
        role,
        content: isParts ? parts(message, literal, after) : this.#string(message, literal) + after,
        ...(own && { tool_calls: own }),
        ...(callId !== undefined && { tool_call_id: written(callId) }),
        ...(name !== undefined && { name: written(name) }),
      };
    });
    if (!tools || !this.#findsToolsInMessage) return contents;
    const [first] = contents;
    const system: TemplateMessage = first?.role === "system" ? first : { role: "system", content: "" };
    const described = JSON.stringify(tools.map((tool) => tool.function));
    return [{ ...system, tools: described }, ...contents.slice(first?.role === "system" ? 1 : 0)];
  }

  #run(
    messages: readonly TemplateMessage[],
    addGenerationPrompt: boolean,
    budget?: TemplateBudget,
    { tools, documents }: ToolPrompt = {},
  ): string {
    const variables = {
      image_token: this.#tokenizer.imageToken?.text,
      ...this.#tokens,
      messages,
      add_generation_prompt: addGenerationPrompt,
      // Always defined in transformers.
      tools: tools ?? null,
      documents: documents ?? null,
    };
    const template = tools || messages.some(({ role }) => role === "tool") ? this.#toolTemplate : this.#template;
    return template!.render(variables, this.#now(), budget);
  }

  readonly #literal: Literal = (text, role) => this.#tokenizer.literal(text, role === "assistant");

  /** The parts as one string: a picture is its placeholder, by default on its own line, as in LLaVA's training. */
  #string({ role, parts }: CheckedMessage, literal = this.#literal): string {
    const image = this.#tokenizer.imageToken;
    return parts
      .map((part) => (part.type === "text" ? literal(part.text, role) : `${image?.inTemplate ?? ""}${this.#afterMark}`))
      .join("");
  }
}

/** The single text that a model without a template continues. It would not understand joined turns. */
function onlyText(messages: readonly CheckedMessage[]): CheckedMessage {
  const [message, ...others] = messages;
  if (message && others.length === 0 && message.role === "user") return message;
  const roles = messages.map(({ role }) => role).join(", ");
  throw new RangeError(
    `messages: the model has no chat template, so it holds no conversation (${roles}) and only continues a text; send one message of the user, or load a model that is trained for chat: its name mostly says "Instruct" or "chat"`,
  );
}

function parts({ role, parts }: CheckedMessage, literal: Literal, after: string): ChatPart[] {
  const written = parts.map((part) =>
    part.type === "text" ? ({ type: "text", text: literal(part.text, role) } as const) : part,
  );
  return after === "" ? written : [...written, { type: "text", text: after }];
}
