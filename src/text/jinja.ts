/**
 * Runs a chat template. A template is an untrusted program from the model's files: @huggingface/jinja interprets it,
 * and this file limits its resources. Endless loops, recursion and strings that double throw an error instead of
 * hanging the page.
 */
import { Environment, parse, tokenize } from "@huggingface/jinja";
import { chainedOperators } from "./chained-comparison.ts";
import { PythonInterpreter } from "./jinja-python.ts";
import type { Charge } from "./jinja-values.ts";
import { applyWhiteSpaceSettings } from "./jinja-whitespace.ts";
import { reject } from "./json.ts";
import { strftime } from "./strftime.ts";
import { checkSize, MAX_LIST_LENGTH, sizeSteps, TemplateBudget, TemplateLimit } from "./template-budget.ts";

/** The largest template in use has about 30,000 characters. */
const MAX_TEMPLATE_LENGTH = 256 * 1024;
/** The lexer's patterns take quadratic time for a run of white space. */
const LONG_WHITE_SPACE = /\s{1000}/;
/** Shown characters of an error's message, which may quote the template. */
const MAX_MESSAGE_LENGTH = 300;

/** The template called `raise_exception`, most often because of the order of the roles. */
export class TemplateRefusal extends Error {}

/** A parsed template with limits on its time and output. */
export class JinjaTemplate {
  readonly #program: ReturnType<typeof parse>;
  readonly #chained: ReadonlySet<unknown>;
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
      const tokens = tokenize(applyWhiteSpaceSettings(source.replace(/\r\n?/g, "\n")));
      this.#chained = chainedOperators(tokens);
      this.#program = parse(tokens);
    } catch (error) {
      reject(where, `the template cannot be parsed (${messageOf(error)})`, error);
    }
  }

  /**
   * @param variables plain values; undefined values are not defined in the template
   * @param now the time for `strftime_now`
   * @param budget of renderings that belong together
   * @throws TemplateRefusal where the template calls `raise_exception`
   * @throws FoveaError `unsupported-model` for a template that fails or exceeds a limit
   */
  render(variables: Readonly<Record<string, unknown>>, now: Date, budget = new TemplateBudget()): string {
    const environment = new Environment();
    const charge = (steps: number) => budget.charge(steps);
    const globals = {
      ...{ true: true, True: true, false: false, False: false, none: null, None: null },
      range: (...args: [unknown, unknown?, unknown?]) => boundedRange(charge, ...args),
      strftime_now: (value: unknown) => {
        const format = textOf(value, "strftime_now");
        charge(format.length);
        return strftime(now, format);
      },
      raise_exception: (message: unknown) => {
        throw new TemplateRefusal(textOf(message, "raise_exception").slice(0, MAX_MESSAGE_LENGTH));
      },
    };
    for (const [name, value] of Object.entries({ ...globals, ...variables })) {
      if (value !== undefined) environment.set(name, value);
    }
    try {
      return String(new BoundedInterpreter(environment, this.#chained, budget).run(this.#program).value);
    } catch (error) {
      if (error instanceof TemplateRefusal) throw error;
      // For deep recursion and very long strings, the JavaScript engine throws a RangeError.
      return reject(this.#where, `the template fails (${messageOf(error)})`, error);
    }
  }
}

function messageOf(error: unknown): string {
  const { message } = error as Error;
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}...` : message;
}

/** Charges every node of the template, and every operation. */
class BoundedInterpreter extends PythonInterpreter {
  readonly #budget: TemplateBudget;

  constructor(environment: Environment, chained: ReadonlySet<unknown>, budget: TemplateBudget) {
    super(environment, chained);
    this.#budget = budget;
  }

  override evaluate(...args: Parameters<PythonInterpreter["evaluate"]>): ReturnType<PythonInterpreter["evaluate"]> {
    this.charge(1);
    const result = super.evaluate(...args);
    const type: unknown = args[0]?.type;
    const isReference =
      type === "Identifier" || (type === "MemberExpression" && args[0].property.type !== "SliceExpression");
    if (isReference) return result;
    checkSize(result);
    const isJoined = type === "BinaryExpression" && typeof result.value === "string";
    if (!isJoined) this.charge(sizeSteps(result));
    return result;
  }

  protected override charge(steps: number): void {
    this.#budget.charge(steps);
  }
}

/** Python's `range`, of bounded length. */
function boundedRange(charge: Charge, first: unknown, second?: unknown, step: unknown = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (typeof start !== "number" || typeof stop !== "number" || typeof step !== "number")
    throw new Error("range() needs integers");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_LIST_LENGTH)) throw new TemplateLimit(`it asks for a range of ${length} numbers`);
  charge(length);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** Arguments of functions come as plain values; a list would write out all that it contains. */
function textOf(value: unknown, name: string): string {
  if (typeof value !== "string") throw new Error(`${name}() needs a string`);
  return value;
}
