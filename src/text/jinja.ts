/**
 * Runs a chat template. It comes with the model and is an untrusted program: @huggingface/jinja interprets it, and this file
 * limits its resources. Endless loops, recursion and strings that double throw an error instead of hanging the page.
 */
import { Environment, parse, tokenize } from "@huggingface/jinja";
import { PythonInterpreter } from "./jinja-python.ts";
import { reject } from "./json.ts";
import { strftime } from "./strftime.ts";

/** The largest template in use has about 30,000 characters. */
const MAX_TEMPLATE_LENGTH = 256 * 1024;
/** The lexer's patterns take quadratic time for a run of white space. */
const LONG_WHITE_SPACE = /\s{1000}/;
/** Steps of the interpreter; a message takes about a hundred. A long string counts as several steps. */
const MAX_WORK = 1_000_000;
const CHARACTERS_PER_STEP = 256;
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
      // The same settings as in transformers. Jinja2 reads line ends of any system as "\n" before anything else.
      this.#program = parse(tokenize(source.replace(/\r\n?/g, "\n"), { lstrip_blocks: true, trim_blocks: true }));
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
      strftime_now: (format: unknown) => strftime(now, String(format)),
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
class BoundedInterpreter extends PythonInterpreter {
  #work = 0;

  override evaluate(...args: Parameters<PythonInterpreter["evaluate"]>): ReturnType<PythonInterpreter["evaluate"]> {
    const result = super.evaluate(...args);
    const { value } = result;
    this.charge(typeof value === "string" ? 1 + value.length / CHARACTERS_PER_STEP : 1);
    if (typeof value === "string" && value.length > MAX_TEXT_LENGTH)
      throw new TemplateLimit(`it makes a string of more than ${MAX_TEXT_LENGTH} characters`);
    if (Array.isArray(value) && value.length > MAX_LIST_LENGTH)
      throw new TemplateLimit(`it makes a list of more than ${MAX_LIST_LENGTH} elements`);
    return result;
  }

  protected override charge(steps: number): void {
    this.#work += steps;
    if (this.#work > MAX_WORK) throw new TemplateLimit(`it takes more than ${MAX_WORK} steps`);
  }
}

/** Python's `range`, of bounded length. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_LIST_LENGTH)) throw new TemplateLimit(`it asks for a range of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}
