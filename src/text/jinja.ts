/**
 * Runs a chat template. It comes with the model and is an untrusted program: @huggingface/jinja interprets it, and this file
 * limits its resources. Endless loops, recursion and strings that double throw an error instead of hanging the page.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { reject } from "./json.ts";

/** The largest template in use has about 30,000 characters. */
const MAX_TEMPLATE_LENGTH = 256 * 1024;
/** The lexer's patterns take quadratic time for a run of white space. */
const LONG_WHITE_SPACE = /\s{1000}/;
/** Steps of the interpreter; a message takes about a hundred. A long string counts as several steps. */
const MAX_WORK = 1_000_000;
const CHARACTERS_PER_STEP = 256;
/** Each round of a loop makes two scopes and a dozen values, even with an empty body. */
const STEPS_PER_ROUND = 10;
/** Longest string that the template may make, including the prompt, in characters. */
const MAX_TEXT_LENGTH = 32 * 1024 * 1024;
const MAX_LIST_LENGTH = 100_000;

/** The template called `raise_exception`, most often because of the order of the roles. */
export class TemplateRefusal extends Error {}

/** The template exceeded a limit. */
class TemplateLimit extends Error {}

export class JinjaTemplate {
  readonly #program: ReturnType<typeof parse>;
  readonly #where: string;

  /**
   * @param where the file, for messages
   * @throws FoveaError `unsupported-model` for a template that cannot be parsed
   */
  constructor(source: string, where: string) {
    this.#where = where;
    if (source.length > MAX_TEMPLATE_LENGTH)
      reject(where, `the template has ${source.length} characters, the limit is ${MAX_TEMPLATE_LENGTH}`);
    if (LONG_WHITE_SPACE.test(source)) reject(where, "the template has 1000 characters of white space in a row");
    try {
      // The same settings as in transformers.
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      reject(where, `the template cannot be parsed (${(error as Error).message})`, error);
    }
  }

  /**
   * @param variables plain values; undefined values are not defined in the template
   * @param now the time for `strftime_now`
   * @throws TemplateRefusal where the template calls `raise_exception`
   * @throws FoveaError `unsupported-model` for a template that fails or exceeds a limit
   */
  render(variables: Readonly<Record<string, unknown>>, now: Date): string {
    const environment = new Environment();
    const globals = {
      ...{ true: true, True: true, false: false, False: false, none: null, None: null },
      range: boundedRange,
      strftime_now: (format: string) => strftime(now, format),
      raise_exception: (message: unknown) => {
        throw new TemplateRefusal(String(message));
      },
    };
    for (const [name, value] of Object.entries({ ...globals, ...variables })) {
      if (value !== undefined) environment.set(name, value);
    }
    try {
      return String(new BoundedInterpreter(environment).run(this.#program).value);
    } catch (error) {
      if (error instanceof TemplateRefusal) throw error;
      // Deep recursion and very long strings throw RangeErrors of the JavaScript engine.
      return reject(this.#where, `the template fails (${(error as Error).message})`, error);
    }
  }
}

/** Counts the cost of every node of the template. */
class BoundedInterpreter extends Interpreter {
  #work = 0;
  /** The lists of loops. They count by length, because a round with an empty body evaluates no node. */
  readonly #iterables = new WeakSet<object>();

  override evaluate(...args: Parameters<Interpreter["evaluate"]>): ReturnType<Interpreter["evaluate"]> {
    const node = args[0] as { type: string; iterable?: { lhs?: object } } | undefined;
    // With a condition, "for x in list if ...", the list is the left side of the expression.
    if (node?.type === "For" && node.iterable) this.#iterables.add(node.iterable.lhs ?? node.iterable);
    const result = super.evaluate(...args);
    const { value } = result;
    this.#work += node && this.#iterables.has(node) ? 1 + sizeOf(value) * STEPS_PER_ROUND : 1;
    if (typeof value === "string") {
      if (value.length > MAX_TEXT_LENGTH)
        throw new TemplateLimit(`it makes a string of more than ${MAX_TEXT_LENGTH} characters`);
      this.#work += value.length / CHARACTERS_PER_STEP;
    } else if (Array.isArray(value) && value.length > MAX_LIST_LENGTH) {
      throw new TemplateLimit(`it makes a list of more than ${MAX_LIST_LENGTH} elements`);
    }
    if (this.#work > MAX_WORK) throw new TemplateLimit(`it takes more than ${MAX_WORK} steps`);
    return result;
  }
}

function sizeOf(value: unknown): number {
  return Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0;
}

/** Python's `range`, of bounded length. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_LIST_LENGTH)) throw new TemplateLimit(`it asks for a range of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Python's `strftime` for the codes that templates use, always in English, as models expect. */
function strftime(now: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const codes: Record<string, string> = {
    Y: String(now.getFullYear()),
    m: two(now.getMonth() + 1),
    d: two(now.getDate()),
    B: MONTHS[now.getMonth()]!,
    b: MONTHS[now.getMonth()]!.slice(0, 3),
    A: DAYS[now.getDay()]!,
    a: DAYS[now.getDay()]!.slice(0, 3),
    H: two(now.getHours()),
    M: two(now.getMinutes()),
    S: two(now.getSeconds()),
    "%": "%",
  };
  return String(format).replace(/%(.)/g, (code, letter: string) => codes[letter] ?? code);
}
