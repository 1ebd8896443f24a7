/**
 * Bounds the cost of a model's own programs: its chat template, and the patterns and replacements of its tokenizer.
 *
 * The mechanism: every operation is charged before it runs, by the sizes of its inputs and output, and no single
 * operation is long. Templates are charged here, in steps and in time. Patterns run on an engine without backtracking
 * (../shared/linear-pattern.ts), and normalizers may not grow a text beyond a limit (normalizer.ts). So all of this
 * ends by itself within about a second, in a page, in a worker and in Node. An abort takes effect then.
 *
 * Rejected: a worker that is terminated from outside. Node and pages without workers need the same guarantee. A
 * tokenizer runs for each token of an answer, and a terminated one must be read again (a second for 150,000 tokens). A
 * wall clock alone refuses valid models on busy machines. Termination does not bound memory: a worker that takes too
 * much kills its tab. Rejected: checking patterns for dangerous shapes, because published patterns have quadratic
 * parts.
 */

/** Steps of all operations of one rendering; a message takes about a hundred. */
const MAX_STEPS = 1_000_000;
/**
 * Time of one rendering. Steps differ in length; this limit keeps the sum of the longest ones below the delay allowed
 * for an abort.
 */
const MAX_MS = 1000;
/** The most time that counts between two charges: the template is not charged for a sleeping or busy computer. */
const MAX_SLICE_MS = 100;
/** Longest string that a template may make, in characters; a prompt has at most 2^18. */
const MAX_TEXT_LENGTH = 2 ** 21;
export const MAX_LIST_LENGTH = 100_000;

/** The template exceeded a limit. */
export class TemplateLimit extends Error {}

/** The budget of one rendering, or of several related ones. */
export class TemplateBudget {
  #steps = 0;
  #milliseconds = 0;
  #last = performance.now();

  get isUsedUp(): boolean {
    // The negation also holds for NaN.
    return !(this.#steps <= MAX_STEPS) || this.#milliseconds > MAX_MS;
  }

  /** Throws TemplateLimit if the budget is used up. */
  charge(steps: number): void {
    this.#steps += Math.max(0, steps);
    const now = performance.now();
    this.#milliseconds += Math.min(now - this.#last, MAX_SLICE_MS);
    this.#last = now;
    if (this.isUsedUp) throw new TemplateLimit(`it takes more than ${MAX_STEPS} steps or ${MAX_MS / 1000} s`);
  }
}

/** A value whose size determines the cost of an operation. */
interface Sized {
  readonly value: unknown;
}

const CHARACTERS_PER_STEP = 256;
const ELEMENTS_PER_STEP = 4;
/** For a search that compares a whole pattern at each place of a text. */
const COMPARISONS_PER_STEP = 2 ** 13;

/** Steps to read or create a value, without the contents of its elements. */
export function sizeSteps({ value }: Sized): number {
  if (typeof value === "string") return value.length / CHARACTERS_PER_STEP;
  if (Array.isArray(value)) return value.length / ELEMENTS_PER_STEP;
  return value instanceof Map ? value.size / ELEMENTS_PER_STEP : 0;
}

/** Steps of an operation that reads its operand and arguments once, and may search each argument in the operand. */
export function operationSteps(operand: Sized, args: Iterable<Sized>): number {
  let steps = sizeSteps(operand);
  const length = typeof operand.value === "string" ? operand.value.length : 0;
  for (const argument of args) {
    steps += sizeSteps(argument);
    if (typeof argument.value === "string") steps += (length * argument.value.length) / COMPARISONS_PER_STEP;
  }
  return steps;
}

/** Throws TemplateLimit for a value that is too large. */
export function checkSize({ value }: Sized): void {
  if (typeof value === "string" && value.length > MAX_TEXT_LENGTH)
    throw new TemplateLimit(`it makes a string of more than ${MAX_TEXT_LENGTH} characters`);
  if (Array.isArray(value) && value.length > MAX_LIST_LENGTH)
    throw new TemplateLimit(`it makes a list of more than ${MAX_LIST_LENGTH} elements`);
}
