/**
 * A conversation as the prompt that the model was trained on: by the template that comes with the model, or, where none
 * does, LLaVA-1.5's Vicuna prompt for models with images and the plain text for the others. Makes text; ids are made by
 * prompt.ts.
 */
import { JinjaTemplate, TemplateRefusal } from "./jinja.ts";
import { asArray, asObject, asString, reject, show } from "./json.ts";
import type { ChatPart, CheckedMessage } from "./messages.ts";
import { companion, type TokenizerFiles } from "./special-tokens.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Text, users' parts of it marked by `Tokenizer.literal`, and ids that stand between. */
export type PromptPieces = readonly (string | number)[];

export interface ChatTemplateOptions {
  /** What the template takes for now; default the time of rendering. */
  now?: () => Date;
}

/** How the template wants a message's content: as one string or as a list of parts. */
type ContentForm = "string" | "parts";

const PROBE = "qZx7Wv";
const SYSTEM_PROMPT =
  "A chat between a curious user and an artificial intelligence assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the user's questions.";

export class ChatTemplate {
  /** "template": the model's own; "vicuna" and "completion": what stands in for a missing one. */
  readonly kind: "template" | "vicuna" | "completion";
  readonly #tokenizer: Tokenizer;
  readonly #template: JinjaTemplate | undefined;
  readonly #forms: ReadonlySet<ContentForm>;
  readonly #now: () => Date;

  /**
   * @throws FoveaError `unsupported-model` for a template that cannot be parsed or cannot write one message of a user
   */
  static parse(files: TokenizerFiles, tokenizer: Tokenizer, options: ChatTemplateOptions = {}): ChatTemplate {
    return new ChatTemplate(files, tokenizer, options);
  }

  private constructor(files: TokenizerFiles, tokenizer: Tokenizer, options: ChatTemplateOptions) {
    this.#tokenizer = tokenizer;
    this.#now = options.now ?? (() => new Date());
    const source = findSource(files);
    this.#template = source && new JinjaTemplate(source.text, source.where);
    this.kind = source ? "template" : tokenizer.imageToken ? "vicuna" : "completion";
    this.#forms = source ? this.#probeForms(source.where) : new Set();
  }

  /**
   * The prompt up to the point where the model answers.
   *
   * @throws RangeError where the template refuses the conversation, with its own words
   * @throws FoveaError `unsupported-model` where it fails
   */
  render(messages: readonly CheckedMessage[]): PromptPieces {
    if (this.kind === "completion") return [messages.map((message) => this.#string(message)).join("")];
    if (this.kind === "vicuna") return this.#vicuna(messages);
    // Images need parts where the template takes both, since it then knows the place of its own image token.
    const hasImage = messages.some(({ parts }) => parts.some(({ type }) => type === "image"));
    const form = this.#forms.has("parts") && (hasImage || !this.#forms.has("string")) ? "parts" : "string";
    const contents = messages.map((message) => ({
      role: message.role,
      content: form === "parts" ? this.#parts(message) : this.#string(message),
    }));
    try {
      return [this.#run(contents)];
    } catch (error) {
      if (!(error instanceof TemplateRefusal)) throw error;
      throw new RangeError(`messages: the model's chat template refuses them, "${error.message}"`, { cause: error });
    }
  }

  #run(messages: readonly object[]): string {
    const { bosToken, eosToken, imageToken } = this.#tokenizer;
    const variables = {
      messages,
      add_generation_prompt: true,
      bos_token: bosToken,
      eos_token: eosToken,
      image_token: imageToken?.text,
      // Always defined in transformers.
      tools: null,
      documents: null,
    };
    return this.#template!.render(variables, this.#now());
  }

  /** Which forms the template writes out, found by trying: its text does not say so. */
  #probeForms(where: string): Set<ContentForm> {
    const image = this.#tokenizer.imageToken;
    const parts = [...(image ? [{ type: "image" }] : []), { type: "text", text: PROBE }];
    const problems: string[] = [];
    const works = (content: unknown, images: number) => {
      try {
        const text = this.#run([{ role: "user", content }]);
        // A list that is printed as such is no support for parts.
        if (!text.includes(PROBE)) problems.push("it leaves the text out");
        else if (text.includes(JSON.stringify(PROBE))) problems.push("it prints the parts as data");
        else if (image && text.split(image.text).length - 1 !== images) problems.push("it leaves the image out");
        else return true;
      } catch (error) {
        problems.push((error as Error).message);
      }
      return false;
    };
    const forms = new Set<ContentForm>();
    if (works(PROBE, 0)) forms.add("string");
    if (works(parts, 1)) forms.add("parts");
    if (forms.size === 0) reject(where, `the template cannot write one message: ${problems.join("; ")}`);
    return forms;
  }

  #literal(text: string, role: CheckedMessage["role"]): string {
    return this.#tokenizer.literal(text, role === "assistant");
  }

  #parts({ role, parts }: CheckedMessage): ChatPart[] {
    return parts.map((part) => (part.type === "text" ? { type: "text", text: this.#literal(part.text, role) } : part));
  }

  /** The parts as one text: an image is its token on a line of its own, as LLaVA was trained. */
  #string({ role, parts }: CheckedMessage): string {
    const image = this.#tokenizer.imageToken;
    return parts
      .map((part) => (part.type === "text" ? this.#literal(part.text, role) : `${image?.text ?? ""}\n`))
      .join("");
  }

  /** LLaVA-1.5's conversation "vicuna_v1". A system message takes the place of the usual one; an empty one leaves it out. */
  #vicuna(messages: readonly CheckedMessage[]): PromptPieces {
    const system = messages.filter(({ role }) => role === "system").map((message) => this.#string(message));
    const opening = system.length > 0 ? system.join("\n") : SYSTEM_PROMPT;
    const pieces: (string | number)[] = [opening === "" ? "" : `${opening} `];
    const write = (text: string) => {
      const last = pieces.length - 1;
      if (typeof pieces[last] === "string") pieces[last] += text;
      else pieces.push(text);
    };
    for (const message of messages) {
      if (message.role === "user") write(`USER: ${this.#string(message)} `);
      if (message.role !== "assistant") continue;
      write(`ASSISTANT: ${this.#string(message)}`);
      // As an id: not every tokenizer that goes with Vicuna finds "</s>" within a text.
      const end = this.#tokenizer.eosIds[0];
      if (end !== undefined) pieces.push(end);
    }
    write("ASSISTANT:");
    return pieces;
  }
}

/** The template of the files: chat_template.jinja before chat_template.json before tokenizer_config.json. */
function findSource(files: TokenizerFiles): { text: string; where: string } | undefined {
  const jinja = files["chat_template.jinja"];
  if (jinja !== undefined) return { text: jinja, where: "chat_template.jinja" };
  for (const name of ["chat_template.json", "tokenizer_config.json"] as const) {
    const value = companion(files, name).chat_template;
    if (value === undefined || value === null) continue;
    const where = `${name}: chat_template`;
    return { text: typeof value === "string" ? value : namedTemplate(value, where), where };
  }
  return undefined;
}

/** Of several templates the one called "default", or the only one. */
function namedTemplate(value: unknown, where: string): string {
  const entries = asArray(value, where).map((entry, i) => asObject(entry, `${where}[${i}]`));
  const entry = entries.find(({ name }) => name === "default") ?? (entries.length === 1 ? entries[0] : undefined);
  if (!entry) reject(where, `none of the templates is called "default": ${show(entries.map(({ name }) => name))}`);
  return asString(entry.template, `${where}: template`);
}
