/**
 * Values of a chat template with Python's semantics: printing, comparison, iteration. @huggingface/jinja 0.5.11 prints
 * lists as JSON and compares with JavaScript's `==`; models are trained on the output of jinja2.
 */
import { Environment, Interpreter } from "@huggingface/jinja";
import { sizeSteps } from "./template-budget.ts";

export type Value = ReturnType<Interpreter["evaluate"]>;
type Node = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;
/** Called with the cost of an operation in steps; throws once the template has used up its steps. */
export type Charge = (steps: number) => void;

/** The value of a literal; the library does not export its classes. */
function literal(type: string, value: unknown): Value {
  return new Interpreter().evaluate({ type, value } as unknown as Node, new Environment());
}

function maker(sample: Value) {
  const Class = sample.constructor as new (value: unknown) => Value;
  return (value: unknown): Value => new Class(value);
}

/** Builds values from plain JavaScript values, or from lists and maps of values. */
export const make = {
  string: maker(literal("StringLiteral", "")),
  integer: maker(literal("IntegerLiteral", 0)),
  float: maker(literal("FloatLiteral", 0)),
  boolean: maker(new Environment().set("value", true)),
  list: maker(literal("ArrayLiteral", [])),
  tuple: maker(literal("TupleLiteral", [])),
  dict: maker(literal("ObjectLiteral", new Map())),
  function: maker(new Environment().set("value", () => null)),
};
export const NONE: Value = new Environment().set("value", null);
export const UNDEFINED: Value = new Environment().set("value", undefined);

/** True for a string of the template. */
export function isString(value: Value): value is Value & { value: string } {
  return value.type === "StringValue";
}

/** True for jinja2's undefined value. */
export function isUndefined(value: Value): boolean {
  return value.type === "UndefinedValue";
}

/** Lists and tuples. */
export function isList(value: Value): value is Value & { value: Value[] } {
  return Array.isArray(value.value);
}

/** Dictionaries and namespaces. */
export function isDict(value: Value): value is Value & { value: Map<string, Value> } {
  return value.value instanceof Map;
}

/** The number of a number or a boolean. */
export function numberOf(value: Value): number | undefined {
  if (value.type === "BooleanValue") return Number(value.value);
  return value.type === "IntegerValue" || value.type === "FloatValue" ? (value.value as number) : undefined;
}

/** Python's `bool`: empty strings, lists and dictionaries are false. */
export function isTrue(value: Value): boolean {
  if (isDict(value)) return value.value.size > 0;
  return isList(value) ? value.value.length > 0 : Boolean(value.value);
}

/** Python's `str`. */
export function str(value: Value, charge: Charge): string {
  charge(sizeSteps(value));
  return isString(value) ? value.value : isUndefined(value) ? "" : repr(value, charge);
}

/** Python's `repr`. */
function repr(value: Value, charge: Charge): string {
  charge(isString(value) ? 1 + value.value.length / 64 : 1);
  if (isString(value)) return quote(value.value);
  if (isDict(value)) {
    const entries = Array.from(value.value, ([key, item]) => `${quote(key)}: ${repr(item, charge)}`);
    charge(lengthOf(entries, ", ") / 64);
    return `{${entries.join(", ")}}`;
  }
  if (isList(value)) {
    const texts = value.value.map((item) => repr(item, charge));
    charge(lengthOf(texts, ", ") / 64);
    const items = texts.join(", ");
    if (value.type !== "TupleValue") return `[${items}]`;
    return value.value.length === 1 ? `(${items},)` : `(${items})`;
  }
  if (value.type === "NullValue") return "None";
  if (value.type === "BooleanValue") return value.value ? "True" : "False";
  if (value.type === "FloatValue") return floatText(value.value as number);
  // Python prints its memory address, on which no model was trained.
  if (value.type === "FunctionValue") throw new Error("it prints a function instead of calling it");
  return isUndefined(value) ? "Undefined" : String(value.value);
}

/** Characters of texts that are joined. */
export function lengthOf(texts: readonly string[], between: string): number {
  return texts.reduce((sum, text) => sum + text.length + between.length, 0);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  // All white space except the space, and all characters without a glyph.
  const escaped = text.replace(/[\\\p{C}\p{Z}]/gu, (character) => {
    if (character === " ") return character;
    const code = character.codePointAt(0)!;
    const hex = (digits: number) => code.toString(16).padStart(digits, "0");
    return ESCAPES[character] ?? (code < 256 ? `\\x${hex(2)}` : code < 65536 ? `\\u${hex(4)}` : `\\U${hex(8)}`);
  });
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

/** Python's `repr` of a float: 2.0, 1e-05, 1e+16. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, power] = value.toExponential().split("e") as [string, string];
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16)
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Python's `==`. A text is no number, and an undefined value is not None. */
export function isEqual(a: Value, b: Value, charge: Charge): boolean {
  charge(1 + sizeSteps(a));
  const x = numberOf(a);
  if (x !== undefined) return x === numberOf(b);
  if (a.type !== b.type) return false;
  if (isList(a) && isList(b)) {
    const other = b.value;
    return a.value.length === other.length && a.value.every((item, i) => isEqual(item, other[i]!, charge));
  }
  if (isDict(a) && isDict(b)) {
    const other = b.value;
    if (a.value.size !== other.size) return false;
    return Array.from(a.value).every(([key, item]) => other.has(key) && isEqual(item, other.get(key)!, charge));
  }
  return a.value === b.value;
}

/**
 * Returns a negative number, 0 or a positive number, as `a` is less than, equal to or greater than `b`.
 *
 * @throws Error for values that have no order
 */
export function compare(a: Value, b: Value, charge: Charge): number {
  charge(1);
  const x = numberOf(a);
  const y = numberOf(b);
  if (x !== undefined && y !== undefined) return x - y;
  if (isString(a) && isString(b)) {
    charge(sizeSteps(a));
    return compareText(a.value, b.value);
  }
  if (isList(a) && isList(b) && a.type === b.type) {
    const length = Math.min(a.value.length, b.value.length);
    for (let i = 0; i < length; i++) {
      if (!isEqual(a.value[i]!, b.value[i]!, charge)) return compare(a.value[i]!, b.value[i]!, charge);
    }
    return a.value.length - b.value.length;
  }
  throw new Error(`${typeName(a)} and ${typeName(b)} cannot be compared`);
}

/** By code points; JavaScript orders by UTF-16 code units. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  if (i === length) return a.length - b.length;
  // A difference within a pair of surrogates is one of the pair.
  const isWithin = i > 0 && a.codePointAt(i - 1)! > 0xffff;
  const at = isWithin ? i - 1 : i;
  return a.codePointAt(at)! - b.codePointAt(at)!;
}

/**
 * The items of a loop: the items of a list, the keys of a dictionary, the characters of a string.
 *
 * @throws Error for a value that is not iterable
 */
export function itemsOf(value: Value): readonly Value[] {
  if (isList(value)) return value.value;
  if (isDict(value)) return Array.from(value.value.keys(), make.string);
  if (isString(value)) return Array.from(value.value, make.string);
  if (isUndefined(value)) return [];
  throw new Error(`${typeName(value)} is not iterable`);
}

const TYPE_NAMES: Readonly<Record<string, string>> = { NullValue: "None", ArrayValue: "a list", ObjectValue: "a dict" };

/** The name of a value's type, for messages. */
export function typeName(value: Value): string {
  return TYPE_NAMES[value.type] ?? `a ${value.type.replace(/Value$/, "").toLowerCase()}`;
}
