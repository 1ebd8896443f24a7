/**
 * Corrects the differences of @huggingface/jinja 0.5.11 from Python's jinja2, with which models are trained. Each
 * method replaces the library's method of the same name. The parser is unchanged: templates that it cannot read (tests
 * with arguments, `with`, `raw`, recursive loops) are refused.
 */
import { Environment, Interpreter } from "@huggingface/jinja";
import { applied, contains, FILTERS, TESTS } from "./jinja-filters.ts";
import { STRING_METHODS } from "./jinja-strings.ts";
import {
  compare,
  isDict,
  isEqual,
  isList,
  isString,
  isTrue,
  isUndefined,
  itemsOf,
  make,
  NONE,
  numberOf,
  str,
  typeName,
  UNDEFINED,
  type Value,
} from "./jinja-values.ts";
import { operationSteps, sizeSteps } from "./template-budget.ts";

/** The version whose faults this file works around; a test compares it with the installed one. */
export const LIBRARY_VERSION = "0.5.11";

/** A node of the parsed template, with the fields that this file reads. */
// biome-ignore lint/suspicious/noExplicitAny: the library does not export the types of its nodes
type Node = any;
type Program = Parameters<Interpreter["run"]>[0];

/** The library's interpreter with its methods, which TypeScript calls private. */
interface OpenInterpreter {
  run(program: Program): Value;
  evaluate(node: Node, environment: Environment): Value;
  evaluateBlock(statements: readonly Node[], environment: Environment): Value;
  evaluateFor(node: Node, environment: Environment): Value;
  evaluateMacro(node: Node, environment: Environment): Value;
  evaluateMemberExpression(node: Node, environment: Environment): Value;
  evaluateBinaryExpression(node: Node, environment: Environment): Value;
  evaluateTestExpression(node: Node, environment: Environment): Value;
  evaluateSliceExpression(object: Value, node: Node, environment: Environment): Value;
  evaluateArguments(args: readonly Node[], environment: Environment): [Value[], Map<string, Value>];
  applyFilter(operand: Value, filter: Node, environment: Environment): Value;
}
const OpenInterpreter = Interpreter as unknown as new (environment: Environment) => OpenInterpreter;

/** `break` or `continue`, with the output of the blocks that it leaves. The library drops that output. */
class LoopExit extends Error {
  output = "";
  readonly isBreak: boolean;

  constructor(isBreak: boolean) {
    super("break or continue outside of a loop");
    this.isBreak = isBreak;
  }
}

/** The library's interpreter with Python's semantics. */
export class PythonInterpreter extends OpenInterpreter {
  /** Counts the cost of an operation; an interpreter with limits overrides it, and throws. */
  protected charge(_steps: number): void {}
  readonly #charge = (steps: number) => this.charge(steps);
  readonly #chained: ReadonlySet<unknown>;

  /** @param chained operators whose left side is a comparison without parentheses */
  constructor(environment: Environment, chained: ReadonlySet<unknown>) {
    super(environment);
    this.#chained = chained;
  }

  override evaluate(node: Node, environment: Environment): Value {
    if (node?.type === "Break" || node?.type === "Continue") throw new LoopExit(node.type === "Break");
    return super.evaluate(node, environment);
  }

  /** Prints values as Python does: "True", "None", "['a']". */
  override evaluateBlock(statements: readonly Node[], environment: Environment): Value {
    let output = "";
    try {
      for (const statement of statements) {
        const value = this.evaluate(statement, environment);
        if (!SILENT.has(statement.type)) output += str(value, this.#charge);
      }
    } catch (error) {
      if (error instanceof LoopExit) error.output = output + error.output;
      throw error;
    }
    return make.string(output);
  }

  /** Iterates over strings too, gives every round its own scope, and keeps the output before `break` and `continue`. */
  override evaluateFor({ loopvar, iterable, body, defaultBlock }: Node, environment: Environment): Value {
    const isFiltered = iterable.type === "SelectExpression";
    const scopes: Environment[] = [];
    const items: Value[] = [];
    const walked = this.evaluate(isFiltered ? iterable.lhs : iterable, environment);
    // Charged before the iteration creates its items.
    this.charge(sizeSteps(walked) * STRING_ITEM_STEPS);
    for (const item of itemsOf(walked)) {
      this.charge(ROUND_STEPS);
      const scope = new Environment(environment);
      assign(loopvar, item, scope);
      if (isFiltered && !isTrue(this.evaluate(iterable.test, scope))) continue;
      scopes.push(scope);
      items.push(item);
    }
    let output = "";
    let isEmpty = true;
    let last: Value | undefined;
    const changed = make.function((args: Value[]) => {
      const value = make.list(args);
      const isNew = last === undefined || !isEqual(last, value, this.#charge);
      last = value;
      return make.boolean(isNew);
    });
    for (const [i, scope] of scopes.entries()) {
      scope.setVariable("loop", make.dict(loopFields(items, i).set("changed", changed)));
      try {
        output += this.evaluateBlock(body, scope).value;
        isEmpty = false;
      } catch (error) {
        if (!(error instanceof LoopExit)) throw error;
        output += error.output;
        if (error.isBreak) break;
      }
    }
    return make.string(isEmpty ? output + this.evaluateBlock(defaultBlock, environment).value : output);
  }

  /** A macro sees the names around its definition, not those around its call. */
  override evaluateMacro(node: Node, environment: Environment): Value {
    const result = super.evaluateMacro(node, environment);
    const macro = environment.lookupVariable(node.name.value).value as (args: Value[], scope: Environment) => Value;
    const lexical = (args: Value[], scope: Environment) => {
      const own = new Environment(environment);
      const caller = scope.variables.get("caller");
      if (caller) own.setVariable("caller", caller);
      return macro(args, own);
    };
    environment.setVariable(node.name.value, make.function(lexical));
    return result;
  }

  override evaluateMemberExpression(node: Node, environment: Environment): Value {
    const object = this.evaluate(node.object, environment);
    if (isUndefined(object)) throw new Error(`${nameOf(node.object)} is undefined`);
    if (node.property.type === "SliceExpression") {
      this.charge(sizeSteps(object) * STRING_ITEM_STEPS);
      return this.evaluateSliceExpression(object, node.property, environment);
    }
    const key = node.computed ? this.evaluate(node.property, environment).value : node.property.value;
    if (isDict(object)) {
      const item = object.value.get(String(key));
      // "d.items" is the method, "d['items']" the item.
      return (node.computed ? item : (dictMethod(object, key) ?? item)) ?? dictMethod(object, key) ?? UNDEFINED;
    }
    if (typeof key === "number") {
      if (isString(object)) this.charge(sizeSteps(object) * STRING_ITEM_STEPS);
      const items = isString(object) ? Array.from(object.value, make.string) : isList(object) ? object.value : [];
      return items.at(key) ?? UNDEFINED;
    }
    const method = isString(object) ? STRING_METHODS.get(key) : undefined;
    if (!method || !isString(object)) return UNDEFINED;
    return make.function((args: Value[]) => {
      this.charge(operationSteps(object, args));
      return method(object.value, args, this.#charge);
    });
  }

  override evaluateBinaryExpression(node: Node, environment: Environment): Value {
    const operator: string = node.operator.value;
    let left = this.evaluate(node.left, environment);
    if (this.#chained.has(node.operator)) {
      if (!isTrue(left)) return left;
      left = this.evaluate(node.left.right, environment);
    }
    if (operator === "and") return isTrue(left) ? this.evaluate(node.right, environment) : left;
    if (operator === "or") return isTrue(left) ? left : this.evaluate(node.right, environment);
    const right = this.evaluate(node.right, environment);
    switch (operator) {
      case "==":
        return make.boolean(isEqual(left, right, this.#charge));
      case "!=":
        return make.boolean(!isEqual(left, right, this.#charge));
      case "in":
        return make.boolean(contains(right, left, this.#charge));
      case "not in":
        return make.boolean(!contains(right, left, this.#charge));
      case "~":
        return make.string(this.#joined(left) + this.#joined(right));
      case "<":
        return make.boolean(compare(left, right, this.#charge) < 0);
      case ">":
        return make.boolean(compare(left, right, this.#charge) > 0);
      case "<=":
        return make.boolean(compare(left, right, this.#charge) <= 0);
      case ">=":
        return make.boolean(compare(left, right, this.#charge) >= 0);
      default:
        return this.#calculate(operator, left, right);
    }
  }

  /** The text of a value that is concatenated. Concatenation copies nothing, so a string is free. */
  #joined(value: Value): string {
    return isString(value) ? value.value : str(value, this.#charge);
  }

  #calculate(operator: string, left: Value, right: Value): Value {
    const a = numberOf(left);
    const b = numberOf(right);
    if (a !== undefined && b !== undefined) {
      const isFloat = operator === "/" || left.type === "FloatValue" || right.type === "FloatValue";
      const result = arithmetic(operator, a, b);
      return isFloat || !Number.isInteger(result) ? make.float(result) : make.integer(result);
    }
    if (operator === "+" && isString(left) && isString(right)) return make.string(left.value + right.value);
    this.charge(sizeSteps(left) + sizeSteps(right));
    if (operator === "+" && isList(left) && isList(right) && left.type === right.type)
      return (left.type === "TupleValue" ? make.tuple : make.list)([...left.value, ...right.value]);
    const [sequence, count] = b === undefined ? [right, a] : [left, b];
    if (operator === "*" && count !== undefined && isString(sequence)) {
      this.charge((sequence.value.length * count) / 256);
      return make.string(sequence.value.repeat(Math.max(0, count)));
    }
    throw new Error(`${typeName(left)} ${operator} ${typeName(right)} is not possible`);
  }

  override evaluateTestExpression(node: Node, environment: Environment): Value {
    const test = TESTS.get(node.test.value);
    if (!test) return super.evaluateTestExpression(node, environment);
    return make.boolean(test(this.evaluate(node.operand, environment), [], this.#charge) !== node.negate);
  }

  override applyFilter(operand: Value, filterNode: Node, environment: Environment): Value {
    const isCall = filterNode.type === "CallExpression";
    const filter = FILTERS.get(isCall ? filterNode.callee.value : filterNode.value);
    if (!filter) return super.applyFilter(operand, filterNode, environment);
    const [positional, named] = this.evaluateArguments(isCall ? filterNode.args : [], environment);
    return applied(filter, operand, { positional, named }, this.#charge);
  }
}

/** Statements write their own output; these have none. */
const SILENT: ReadonlySet<string> = new Set(["Set", "Macro", "Comment"]);
/** Each round of a loop creates a scope and a dozen values, even with an empty body. */
const ROUND_STEPS = 10;
/** Cost of creating a value for each character of a string, relative to reading the string. */
const STRING_ITEM_STEPS = 16;

function assign(target: Node, value: Value, scope: Environment): void {
  if (target.type === "Identifier") {
    scope.setVariable(target.value, value);
    return;
  }
  const items = itemsOf(value);
  if (items.length !== target.value.length)
    throw new Error(`${items.length} values for the ${target.value.length} names of a loop`);
  for (const [i, name] of target.value.entries()) assign(name, items[i]!, scope);
}

/** The fields of `loop` in round `i`. */
function loopFields(items: readonly Value[], i: number): Map<string, Value> {
  const count = items.length;
  return new Map<string, Value>([
    ["index", make.integer(i + 1)],
    ["index0", make.integer(i)],
    ["revindex", make.integer(count - i)],
    ["revindex0", make.integer(count - i - 1)],
    ["first", make.boolean(i === 0)],
    ["last", make.boolean(i === count - 1)],
    ["length", make.integer(count)],
    ["previtem", items[i - 1] ?? UNDEFINED],
    ["nextitem", items[i + 1] ?? UNDEFINED],
    // Only recursive loops are deeper, and the parser refuses those.
    ["depth", make.integer(1)],
    ["depth0", make.integer(0)],
    ["cycle", make.function((args: Value[]) => args[i % args.length] ?? UNDEFINED)],
  ]);
}

/** Methods of dictionaries; pairs are tuples, as they print. */
function dictMethod(dict: Value & { value: Map<string, Value> }, name: unknown): Value | undefined {
  if (dict.type === "NamespaceValue") return undefined;
  const entries = () => Array.from(dict.value);
  switch (name) {
    case "items":
      return make.function(() => make.list(entries().map(([key, item]) => make.tuple([make.string(key), item]))));
    case "keys":
      return make.function(() => make.list(entries().map(([key]) => make.string(key))));
    case "values":
      return make.function(() => make.list(entries().map(([, item]) => item)));
    case "get":
      return make.function(([key, fallback]: Value[]) => dict.value.get(String(key?.value)) ?? fallback ?? NONE);
    default:
      return undefined;
  }
}

/** Python's arithmetic: `//` and `%` round down. */
function arithmetic(operator: string, a: number, b: number): number {
  if (b === 0 && (operator === "/" || operator === "//" || operator === "%")) throw new Error("division by zero");
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - b * Math.floor(a / b);
    case "**":
      return a ** b;
    default:
      throw new Error(`the operator ${operator} is not supported`);
  }
}

/** A name for messages. */
function nameOf(node: Node): string {
  if (node.type === "Identifier") return `'${node.value}'`;
  return node.type === "MemberExpression" && !node.computed ? `'${node.property.value}'` : "a value";
}
