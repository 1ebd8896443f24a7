/**
 * Reads and checks the fields of an untrusted JSON object one by one. A missing or null field takes the given default.
 * It is independent of models: families provide the fields and their defaults.
 */
import { FoveaError } from "../errors.ts";
import { isJsonObject, quoted } from "../shared/json.ts";

/** An untrusted value, shortened for a message. It never reads nested values. */
function valueText(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isJsonObject(value)) return "an object";
  return value === undefined ? "missing" : String(value);
}

/** One JSON object of a file. */
export class ConfigFields {
  readonly #values: Readonly<Record<string, unknown>>;
  /** File and path to this object, for messages: "config.json: text_config.". */
  readonly #path: string;

  private constructor(values: Readonly<Record<string, unknown>>, path: string) {
    this.#values = values;
    this.#path = path;
  }

  /** @throws FoveaError `unsupported-model` unless `json` is an object. */
  static of(json: unknown, file: string): ConfigFields {
    if (!isJsonObject(json))
      throw new FoveaError("unsupported-model", `${file} is ${valueText(json)}; expected an object`);
    return new ConfigFields(json, `${file}: `);
  }

  /**
   * The unchecked field; undefined if it is missing or null. Reads own properties only: no name reaches a prototype.
   */
  value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** True for a null field; a few fields distinguish null from missing. */
  isNull(name: string): boolean {
    return Object.hasOwn(this.#values, name) && this.#values[name] === null;
  }

  /** All fields; for a map whose keys are data. */
  entries(): [string, unknown][] {
    return Object.entries(this.#values);
  }

  /** The error for a field: its value, the meaning of that value if known, and the supported values. */
  unsupported(name: string, supported: string, meaning?: string): FoveaError {
    const value = valueText(this.value(name)) + (meaning ? `: ${meaning}` : "");
    const text = `${this.pathOf(name)} is ${value}; supported: ${supported}`;
    return new FoveaError("unsupported-model", text);
  }

  /** File and path of a field, such as "config.json: text_config.vocab_size", for messages. */
  pathOf(name: string): string {
    return this.#path + name.slice(0, 100); // names may come from outside, too
  }

  /** An integer in [min, max]. */
  integer<Default extends number | undefined>(name: string, fallback: Default, min: number, max: number) {
    const value = this.value(name);
    if (value === undefined) return fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
      throw this.unsupported(name, min === max ? String(min) : `an integer from ${min} to ${max}`);
    return value + 0; // -0 becomes 0
  }

  /** A number in [min, max]. */
  number(name: string, fallback: number, min: number, max: number): number {
    const value = this.value(name);
    if (value === undefined) return fallback;
    if (typeof value !== "number" || !(value >= min && value <= max))
      throw this.unsupported(name, min === max ? String(min) : `a number from ${min} to ${max}`);
    return value;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.value(name);
    if (value === undefined) return fallback;
    if (typeof value !== "boolean") throw this.unsupported(name, "true or false");
    return value;
  }

  /** One of the keys of `choices`; returns its value. */
  choice<Choice>(name: string, fallback: string, choices: Readonly<Record<string, Choice>>): Choice {
    const value = this.value(name) ?? fallback;
    if (typeof value !== "string" || !Object.hasOwn(choices, value))
      throw this.unsupported(name, Object.keys(choices).join(", "));
    return choices[value]!;
  }

  /** A list of strings; empty if the field is missing. */
  strings(name: string): string[] {
    const value = this.value(name) ?? [];
    if (!Array.isArray(value) || !value.every((text) => typeof text === "string"))
      throw this.unsupported(name, "a list of strings");
    return value;
  }

  /** Three numbers from `min` to 1e6, for red, green and blue. */
  triple(name: string, fallback: readonly [number, number, number], min: number): readonly [number, number, number] {
    const value = this.value(name);
    if (value === undefined) return fallback;
    const fits = (part: unknown) => typeof part === "number" && part >= min && part <= 1e6;
    if (!Array.isArray(value) || value.length !== 3 || !value.every(fits))
      throw this.unsupported(name, `three numbers from ${min} to 1e6`);
    return [value[0], value[1], value[2]];
  }

  /** An object inside this one; undefined if the field is missing. */
  object(name: string): ConfigFields | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.unsupported(name, "an object");
    return new ConfigFields(value, `${this.#path}${name}.`);
  }

  /** Other values under this object's path, for messages about defaults. */
  with(values: Readonly<Record<string, unknown>>): ConfigFields {
    return new ConfigFields(values, this.#path);
  }

  /** The same fields, with these values for missing ones; null stays null. */
  withDefaults(values: Readonly<Record<string, unknown>>): ConfigFields {
    return new ConfigFields({ ...values, ...this.#values }, this.#path);
  }

  /** An object inside this one; an empty one if the field is missing. */
  objectOrEmpty(name: string): ConfigFields {
    return this.object(name) ?? new ConfigFields({}, `${this.#path}${name}.`);
  }
}
