/** Reads the part of config.json that describes the packing of weights. It is untrusted. */
import { FoveaError } from "../../../errors.ts";
import { isJsonObject, shown } from "../../../shared/json.ts";

/** One JSON object of the config, and where it stands. */
export class PackingConfig {
  readonly #fields: Readonly<Record<string, unknown>>;
  /** File and path, such as "config.json: quantization_config". */
  readonly where: string;

  constructor(fields: Readonly<Record<string, unknown>>, where: string) {
    this.#fields = fields;
    this.where = where;
  }

  /** Undefined where the field is missing or null. Reads own fields only. */
  value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined;
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#fields);
  }

  /** An object inside this one; undefined where the field is something else. */
  object(name: string): PackingConfig | undefined {
    const value = this.value(name);
    return isJsonObject(value) ? new PackingConfig(value, `${this.where}.${name.slice(0, 100)}`) : undefined;
  }

  /** The error about a field: its value and what is supported. */
  unsupported(name: string, supported: string): FoveaError {
    const value = this.value(name);
    const text = `${this.where}${this.where.endsWith(":") ? " " : "."}${name.slice(0, 100)} is ${value === undefined ? "missing" : shown(value)}; supported: ${supported}`;
    return new FoveaError("unsupported-model", text);
  }

  /** One of some numbers, under any of several names. */
  oneOf(names: string | readonly string[], fallback: number, numbers: readonly number[]): number {
    const name = [names].flat().find((name) => this.value(name) !== undefined);
    if (name === undefined) return fallback;
    const value = this.value(name);
    if (!numbers.includes(value as number)) throw this.unsupported(name, numbers.join(", "));
    return value as number;
  }

  /** Columns that share a scale: a positive integer; 0 for -1 and null, which stand for a whole row. */
  groupSize(names: readonly string[], fallback: number): number {
    const name = names.find((name) => Object.hasOwn(this.#fields, name));
    if (name === undefined) return fallback;
    const value = this.value(name) ?? -1;
    if (value === -1) return 0;
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw this.unsupported(name, "-1 or an integer from 1");
    return value as number;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.value(name) ?? fallback;
    if (typeof value !== "boolean") throw this.unsupported(name, "true or false");
    return value;
  }

  /** A string in lower case. */
  text(names: readonly string[], fallback: string): { name: string; text: string } {
    const name = names.find((name) => this.value(name) !== undefined);
    const value = name === undefined ? fallback : this.value(name);
    if (typeof value !== "string") throw this.unsupported(name!, "a string");
    return { name: name ?? names[0]!, text: value.toLowerCase() };
  }

  /** A list of strings; empty where the field is missing. */
  strings(name: string): string[] {
    const value = this.value(name) ?? [];
    if (!Array.isArray(value) || !value.every((text) => typeof text === "string"))
      throw this.unsupported(name, "a list of strings");
    return value;
  }
}
