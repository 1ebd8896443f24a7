/**
 * Python's `json.dumps`, as transformers' filter `tojson` calls it. That of @huggingface/jinja 0.5.11 writes 2.0 as "2"
 * and does not support tuples.
 */
import {
  type Charge,
  floatText,
  isDict,
  isList,
  isString,
  isTrue,
  lengthOf,
  make,
  NONE,
  type Value,
} from "./jinja-values.ts";

interface Style {
  /** One level of indentation; undefined for a single line. */
  unit: string | undefined;
  between: string;
  afterKey: string;
  /** Escapes everything but ASCII. */
  isAscii: boolean;
  sortsKeys: boolean;
}

const MAX_INDENT = 64;

/**
 * @param named `indent`, `separators`, `ensure_ascii` and `sort_keys`, as in Python. Throws Error for values that are
 * not data.
 */
export function toJson(value: Value, named: ReadonlyMap<string, Value>, charge: Charge): Value {
  return make.string(write(value, styleOf(named), 0, charge));
}

function styleOf(named: ReadonlyMap<string, Value>): Style {
  const unit = unitOf(named.get("indent") ?? NONE);
  const separators = named.get("separators");
  const [between, afterKey] =
    separators && isList(separators)
      ? separators.value.map((item) => String(item.value))
      : [unit === undefined ? ", " : ",", ": "];
  return {
    unit,
    between: between!,
    afterKey: afterKey!,
    isAscii: isTrue(named.get("ensure_ascii") ?? NONE),
    sortsKeys: isTrue(named.get("sort_keys") ?? NONE),
  };
}

function unitOf(indent: Value): string | undefined {
  if (indent.type === "NullValue") return undefined;
  return isString(indent) ? indent.value : " ".repeat(Math.min(indent.value as number, MAX_INDENT));
}

function write(value: Value, style: Style, depth: number, charge: Charge): string {
  charge(1);
  if (isString(value)) return text(value.value, style, charge);
  if (isDict(value)) {
    const entries = Array.from(value.value);
    if (style.sortsKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    const items = entries.map(
      ([key, item]) => text(key, style, charge) + style.afterKey + write(item, style, depth + 1, charge),
    );
    return wrap("{", items, "}", { style, depth, charge });
  }
  if (isList(value)) {
    const items = value.value.map((item) => write(item, style, depth + 1, charge));
    return wrap("[", items, "]", { style, depth, charge });
  }
  if (value.type === "FloatValue") return floatText(value.value as number);
  if (value.type === "NullValue") return "null";
  if (value.type === "BooleanValue" || value.type === "IntegerValue") return String(value.value);
  throw new Error("only data can be written as JSON");
}

function text(own: string, { isAscii }: Style, charge: Charge): string {
  charge(own.length / 64);
  const json = JSON.stringify(own);
  if (!isAscii) return json;
  return json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

interface Place {
  style: Style;
  depth: number;
  charge: Charge;
}

function wrap(open: string, items: string[], close: string, { style, depth, charge }: Place): string {
  const { between, unit } = style;
  charge(lengthOf(items, between) / 64);
  if (items.length === 0 || unit === undefined) return open + items.join(between) + close;
  charge((items.length * (depth + 1) * unit.length) / 64);
  const line = `\n${unit.repeat(depth)}`;
  return `${open}${line}${unit}${items.join(`${between}${line}${unit}`)}${line}${close}`;
}
