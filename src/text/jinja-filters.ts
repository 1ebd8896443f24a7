/**
 * jinja2's filters and tests that @huggingface/jinja 0.5.11 lacks for some kinds of values, or applies differently from
 * Python. Among them: lengths in code points, `capitalize`, `title`, `trim(characters)`, `unique`, `int`.
 */

import { toJson } from "./jinja-json.ts";
import { capitalize, replace, strip, titleFilter } from "./jinja-strings.ts";
import {
  type Charge,
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
  UNDEFINED,
  type Value,
} from "./jinja-values.ts";
import { operationSteps, sizeSteps } from "./template-budget.ts";

/** The arguments of a filter, by position and by name. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export type Filter = (value: Value, args: Arguments, charge: Charge) => Value;
type Test = (value: Value, args: readonly Value[], charge: Charge) => boolean;

/** Runs a filter, and charges the sizes of its inputs. */
export function applied(filter: Filter, value: Value, args: Arguments, charge: Charge): Value {
  charge(1 + operationSteps(value, args.positional) + operationSteps(value, args.named.values()));
  return filter(value, args, charge);
}

function argument({ positional, named }: Arguments, at: number, name: string): Value | undefined {
  return positional[at] ?? named.get(name);
}

const ordered =
  (holds: (order: number) => boolean): Test =>
  (a, [b], charge) =>
    holds(compare(a, b!, charge));
const equal: Test = (a, [b], charge) => isEqual(a, b!, charge);
const isKind =
  (...types: string[]): Test =>
  ({ type }) =>
    types.includes(type);

export const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ...["eq", "equalto", "=="].map((name): [string, Test] => [name, equal]),
  ...["ne", "!="].map((name): [string, Test] => [name, (...args) => !equal(...args)]),
  ...["lt", "lessthan", "<"].map((name): [string, Test] => [name, ordered((order) => order < 0)]),
  ...["gt", "greaterthan", ">"].map((name): [string, Test] => [name, ordered((order) => order > 0)]),
  ...["le", "<="].map((name): [string, Test] => [name, ordered((order) => order <= 0)]),
  ...["ge", ">="].map((name): [string, Test] => [name, ordered((order) => order >= 0)]),
  ["in", (a, [b], charge) => contains(b!, a, charge)],
  ["defined", (value) => !isUndefined(value)],
  ["undefined", isUndefined],
  ["float", isKind("FloatValue")],
  ["number", isKind("IntegerValue", "FloatValue", "BooleanValue")],
  ["iterable", (value) => isString(value) || isList(value) || isDict(value) || isUndefined(value)],
]);

/**
 * Python's `in`.
 *
 * @throws Error for a value that is not a container
 */
export function contains(container: Value, item: Value, charge: Charge): boolean {
  charge(operationSteps(container, [item]));
  if (isString(container) && isString(item)) return container.value.includes(item.value);
  if (isDict(container)) return isString(item) && container.value.has(item.value);
  if (isString(container)) throw new Error("'in' needs a string on the left");
  return itemsOf(container).some((one) => isEqual(one, item, charge));
}

/** The value of "a.b.0" in an item; undefined where it has none. */
function attribute(item: Value, path: Value, charge: Charge): Value {
  const text = isString(path) ? path.value : String(numberOf(path));
  charge(1 + text.length / 16);
  return text.split(".").reduce((value: Value, name) => {
    const next = isDict(value) ? value.value.get(name) : isList(value) ? value.value[Number(name)] : undefined;
    return next ?? UNDEFINED;
  }, item);
}

function sort(value: Value, args: Arguments, charge: Charge): Value {
  const isReverse = isTrue(argument(args, 0, "reverse") ?? NONE);
  const isExact = isTrue(argument(args, 1, "case_sensitive") ?? NONE);
  const path = argument(args, 2, "attribute");
  const key = (item: Value) => {
    const own = path === undefined ? item : attribute(item, path, charge);
    charge(sizeSteps(own));
    return !isExact && isString(own) ? make.string(own.value.toLowerCase()) : own;
  };
  const keyed = itemsOf(value).map((item) => ({ item, key: key(item) }));
  const sign = isReverse ? -1 : 1;
  return make.list(keyed.sort((a, b) => sign * compare(a.key, b.key, charge)).map(({ item }) => item));
}

function unique(value: Value, args: Arguments, charge: Charge): Value {
  const isExact = isTrue(argument(args, 0, "case_sensitive") ?? NONE);
  const key = (item: Value) => {
    charge(sizeSteps(item));
    return !isExact && isString(item) ? make.string(item.value.toLowerCase()) : item;
  };
  const kept: { item: Value; key: Value }[] = [];
  for (const item of itemsOf(value)) {
    const own = key(item);
    if (!kept.some((other) => isEqual(other.key, own, charge))) kept.push({ item, key: own });
  }
  return make.list(kept.map(({ item }) => item));
}

function join(value: Value, args: Arguments, charge: Charge): Value {
  const separator = str(argument(args, 0, "d") ?? make.string(""), charge);
  const path = argument(args, 1, "attribute");
  const items = itemsOf(value).map((item) => str(path === undefined ? item : attribute(item, path, charge), charge));
  charge((items.length * (1 + separator.length)) / 16);
  return make.string(items.join(separator));
}

function map(value: Value, args: Arguments, charge: Charge): Value {
  const path = args.named.get("attribute");
  const items = itemsOf(value);
  if (path !== undefined) {
    const fallback = args.named.get("default") ?? UNDEFINED;
    return make.list(
      items.map((item) => {
        const own = attribute(item, path, charge);
        return isUndefined(own) ? fallback : own;
      }),
    );
  }
  const [name, ...positional] = args.positional;
  const filter = FILTERS.get(String(name?.value));
  if (!filter) throw new Error(`map cannot apply the filter ${String(name?.value)}`);
  return make.list(items.map((item) => applied(filter, item, { positional, named: args.named }, charge)));
}

/** Keeps the items that pass a test, or whose attribute passes it; without a test, the truthy items. */
function select(keeps: boolean, byAttribute: boolean): Filter {
  return (value, { positional }, charge) => {
    const [path, rest] = byAttribute ? [positional[0]!, positional.slice(1)] : [undefined, positional];
    const [name, ...args] = rest;
    const test: Test | undefined =
      name === undefined ? isTrue : (TESTS.get(String(name.value)) ?? TYPE_TESTS.get(String(name.value)));
    if (!test) throw new Error(`there is no test ${String(name?.value)}`);
    const passes = (item: Value) => test(path === undefined ? item : attribute(item, path, charge), args, charge);
    return make.list(itemsOf(value).filter((item) => passes(item) === keeps));
  };
}

/** Tests that the library implements correctly, for `select`. */
const TYPE_TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["string", isKind("StringValue")],
  ["none", isKind("NullValue")],
  ["boolean", isKind("BooleanValue")],
  ["integer", isKind("IntegerValue")],
  ["mapping", isDict],
  ["odd", (value) => Math.abs(numberOf(value)! % 2) === 1],
  ["even", (value) => numberOf(value)! % 2 === 0],
]);

function toInteger(value: Value, args: Arguments): Value {
  const fallback = argument(args, 0, "default") ?? make.integer(0);
  const base = numberOf(argument(args, 1, "base") ?? make.integer(10)) ?? 10;
  const number = isString(value) ? (digits(value.value, base) ?? parsed(value.value)) : numberOf(value);
  return number === undefined || !Number.isFinite(number) ? fallback : make.integer(Math.trunc(number));
}

/** The digits before each base that Python writes with a prefix. */
const PREFIXES = new Map([
  [2, /^0b/i],
  [8, /^0o/i],
  [16, /^0x/i],
]);

/** The integer that a whole text spells in a base other than ten, as Python's `int(text, base)` reads it. */
function digits(text: string, base: number): number | undefined {
  if (base === 10 || text.length > MAX_NUMBER_LENGTH) return undefined;
  const [, sign, spelled] = /^([+-]?)(\w+)$/.exec(strip(text)) ?? [];
  if (spelled === undefined) return undefined;
  const own = base || (Array.from(PREFIXES).find(([, prefix]) => prefix.test(spelled))?.[0] ?? 10);
  const plain = spelled.replace(PREFIXES.get(own) ?? "", "").toLowerCase();
  const isSpelled = Array.from(plain).every((digit) => Number.parseInt(digit, 36) < own);
  return plain !== "" && isSpelled ? Number.parseInt(`${sign}${plain}`, own) : undefined;
}

function toFloat(value: Value, args: Arguments): Value {
  const fallback = argument(args, 0, "default") ?? make.float(0);
  const number = numberOf(value) ?? (isString(value) ? parsed(value.value) : undefined);
  return number === undefined ? fallback : make.float(number);
}

const MAX_NUMBER_LENGTH = 1000;

/** The number that a whole text spells, in decimals. */
function parsed(text: string): number | undefined {
  // The pattern takes quadratic time for very long numbers.
  const trimmed = text.length > MAX_NUMBER_LENGTH ? "" : strip(text);
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : undefined;
}

function indent(value: Value, args: Arguments, charge: Charge): Value {
  const width = argument(args, 0, "width") ?? make.integer(4);
  const prefix = isString(width) ? width.value : " ".repeat(Math.min(width.value as number, 1024));
  const isFirst = isTrue(argument(args, 1, "first") ?? NONE);
  const isBlank = isTrue(argument(args, 2, "blank") ?? NONE);
  const [first = "", ...rest] = str(value, charge).split("\n");
  charge(((rest.length + 1) * (1 + prefix.length)) / 16);
  const lines = rest.map((line) => (line !== "" || isBlank ? prefix + line : line));
  return make.string([isFirst ? prefix + first : first, ...lines].join("\n"));
}

const ofText =
  (change: (text: string) => string): Filter =>
  (value, _, charge) =>
    make.string(change(str(value, charge)));
const length: Filter = (value) =>
  make.integer(
    isString(value) ? Array.from(value.value).length : isDict(value) ? value.value.size : itemsOf(value).length,
  );
const defaulted: Filter = (value, args) => {
  const applies = isUndefined(value) || (isTrue(argument(args, 1, "boolean") ?? NONE) && !isTrue(value));
  return applies ? (argument(args, 0, "default_value") ?? make.string("")) : value;
};
const pairs = (value: Value) => {
  if (!isDict(value)) throw new Error("only a dictionary has pairs");
  return Array.from(value.value, ([key, item]) => make.tuple([make.string(key), item]));
};

export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ["upper", ofText((text) => text.toUpperCase())],
  ["lower", ofText((text) => text.toLowerCase())],
  ["capitalize", ofText(capitalize)],
  ["title", ofText(titleFilter)],
  ["string", ofText((text) => text)],
  [
    "trim",
    (value, args, charge) => {
      const set = argument(args, 0, "chars");
      return make.string(strip(str(value, charge), set && isString(set) ? set.value : undefined));
    },
  ],
  ["length", length],
  ["count", length],
  ["first", (value) => itemsOf(value)[0] ?? UNDEFINED],
  ["last", (value) => itemsOf(value).at(-1) ?? UNDEFINED],
  ["list", (value) => make.list([...itemsOf(value)])],
  [
    "reverse",
    (value) =>
      isString(value)
        ? make.string(Array.from(value.value).reverse().join(""))
        : make.list([...itemsOf(value)].reverse()),
  ],
  ["sort", sort],
  ["unique", unique],
  ["join", join],
  ["map", map],
  ["select", select(true, false)],
  ["reject", select(false, false)],
  ["selectattr", select(true, true)],
  ["rejectattr", select(false, true)],
  ["default", defaulted],
  ["d", defaulted],
  ["int", toInteger],
  ["float", toFloat],
  ["indent", indent],
  ["tojson", (value, { named }, charge) => toJson(value, named, charge)],
  ["items", (value) => make.list(isUndefined(value) ? [] : pairs(value))],
  [
    "dictsort",
    (value, args, charge) => {
      const at = argument(args, 1, "by")?.value === "value" ? 1 : 0;
      const list = pairs(value).map((pair) => make.tuple([(pair.value as Value[])[at]!, pair]));
      const named = new Map(args.named).set("attribute", make.string("0"));
      const flags = {
        positional: [argument(args, 2, "reverse") ?? NONE, argument(args, 0, "case_sensitive") ?? NONE],
        named,
      };
      return make.list(
        (sort(make.list(list), flags, charge).value as Value[]).map((entry) => (entry.value as Value[])[1]!),
      );
    },
  ],
  [
    "replace",
    (value, args, charge) => {
      const text = (at: number, name: string) => str(argument(args, at, name) ?? make.string(""), charge);
      const count = argument(args, 2, "count");
      const limit = count === undefined || count.type === "NullValue" ? -1 : (count.value as number);
      return make.string(replace(str(value, charge), text(0, "old"), text(1, "new"), limit, charge));
    },
  ],
]);
