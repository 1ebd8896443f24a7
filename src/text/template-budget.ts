/**
 * Bounds what a model's own programs cost: its chat template, and the patterns and replacements of its tokenizer.
 *
 * The mechanism: every operation is charged before it runs, by the sizes of what it reads and makes, and no single
 * operation is long. Templates are charged here, in steps and in time. Patterns run on an engine without backtracking
 * (../shared/linear-pattern.ts), and normalizers may not grow a text beyond a limit (normalizer.ts). So all of this ends by itself
 * within about a second, in a page, in a worker and in Node alike, and an abort that came meanwhile is seen then.
 *
 * A worker that is terminated from outside is rejected: Node and pages without workers need the same guarantee, a tokenizer
 * is asked for each token of an answer, a terminated one must be read again (a second for 150,000 tokens), a wall clock
 * alone refuses honest models on busy machines, and termination bounds no memory: a worker that takes too much kills its
 * tab. Checking patterns for dangerous shapes is rejected too: published patterns have quadratic parts.
 */

/** Steps of all operations of one rendering; a message takes about a hundred. */
const MAX_STEPS = 1_000_000;
/** Time of one rendering. Steps are not equally long; this keeps the sum of the longest ones below what an abort may take. */
const MAX_MS = 1000;
/** The most that counts between two charges: a computer that sleeps, or that has other work, is no fault of the template. */
const MAX_SLICE_MS = 100;
/** Longest string that a template may make, in characters; a prompt has at most 2^18. */
export const MAX_TEXT_LENGTH = 2 ** 21;
export const MAX_LIST_LENGTH = 100_000;

/** The template exceeded a limit. */
export class TemplateLimit extends Error {}

/** What one rendering may cost, or several that belong together. */
export class TemplateBudget {
  #steps = 0;
  #milliseconds = 0;
  #last = performance.now();

  get isUsedUp(): boolean {
    // The negation also holds for NaN.
    return !(this.#steps <= MAX_STEPS) || this.#milliseconds > MAX_MS;
  }

  /** Throws TemplateLimit where the budget is used up. */
  charge(steps: number): void {
    this.#steps += Math.max(0, steps);
    const now = performance.now();
    this.#milliseconds += Math.min(now - this.#last, MAX_SLICE_MS);
    this.#last = now;
    if (this.isUsedUp) throw new TemplateLimit(`it takes more than ${MAX_STEPS} steps or ${MAX_MS / 1000} s`);
  }
}

/** What the cost of an operation depends on. */
interface Sized {
  readonly value: unknown;
}

const CHARACTERS_PER_STEP = 256;
const ELEMENTS_PER_STEP = 4;
/** Of a search that compares a whole pattern at each place of a text. */
const COMPARISONS_PER_STEP = 2 ** 13;

/** Steps of reading or making a value, without what its elements hold. */
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
