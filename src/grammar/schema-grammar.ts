/**
 * JSON Schema as EBNF: JSON on one line that the schema accepts. The library's own translation is not used: in 0.1.27
 * its patterns, string lengths and bounds of numbers accept text that is not JSON. The grammar is narrower than the
 * schema: properties stand in the schema's order. Names that it does not list come only where it lists none.
 */
import { CountedStrings, type LengthBounds } from "./counted-strings.ts";
import { either, FormatError, literal, repeat, sequence } from "./ebnf.ts";
import { COLON, COMMA, JSON_RULES, QUOTE } from "./json-rules.ts";
import { integerGrammar, numberGrammar } from "./number-grammar.ts";
import { inJsonString, regexGrammar } from "./regex-grammar.ts";
import { canBeString, canEnd, hasOverlaps, isDisjoint } from "./schema-choices.ts";
import {
  areNamed,
  asSchema,
  count,
  isNames,
  isObject,
  KEYWORDS,
  numeric,
  only,
  resolve,
  type Schema,
  type SchemaObject,
  typesOf,
} from "./schema-fields.ts";
import { patternOf } from "./string-formats.ts";

/** Deepest nesting of a schema that is read; real ones nest far less. */
const MAX_DEPTH = 64;

/**
 * Longest chain of references that is followed; real schemas have shorter ones. Each reference takes some of the stack.
 */
const MAX_REFERENCES = 200;

/** EBNF, and the bounds of the strings that are counted beside it. */
export interface CountedGrammar {
  ebnf: string;
  bounds: readonly LengthBounds[];
}

/** @throws FormatError for keywords that cannot be followed, and for schemas that nothing can satisfy */
export function schemaGrammar(schema: unknown): CountedGrammar {
  return grammarWithCounts([schema], (counted) => {
    const grammar = new SchemaGrammar(asSchema(schema, "the schema"), { counted });
    return [`root ::= ${grammar.whole()}`, ...grammar.rules];
  });
}

/**
 * A grammar whose strings are counted beside it. They are spelt out where bounds contradict each other and a choice
 * leaves open which of them a string is under.
 *
 * @param schemas all that the grammar follows
 */
export function grammarWithCounts(
  schemas: readonly unknown[],
  write: (counted: CountedStrings | undefined) => string[],
): CountedGrammar {
  const counted = new CountedStrings();
  const rules = write(counted);
  const isExact = !counted.agree && schemas.some((schema) => hasOverlaps(schema as Schema));
  const [own, bounds] = isExact ? [write(undefined), []] : [[...rules, ...counted.rules], counted.bounds];
  return { ebnf: [...own, ...JSON_RULES].join("\n"), bounds };
}

export interface SchemaGrammarOptions {
  /** Begins the names of its rules, where several schemas share a grammar. */
  prefix?: string;
  /** Writes True, False and None in place of true, false and null where the schema asks for them. */
  isPython?: boolean;
  /** Takes strings with bounds on their length; without it, the grammar spells them out. */
  counted?: CountedStrings | undefined;
}

/** The expressions of one schema and its parts, and the rules that they refer to beside `JSON_RULES`. */
export class SchemaGrammar {
  readonly rules: string[] = [];
  readonly #root: Schema;
  readonly #prefix: string;
  readonly #isPython: boolean;
  readonly #counted: CountedStrings | undefined;
  /** True if strings are spelt out for now. */
  #isExact = false;
  /** Reference -> its rule, so that schemas may contain themselves. */
  readonly #references = new Map<string, string>();
  /** References whose rules are being written. */
  #openReferences = 0;

  constructor(root: Schema, { prefix = "", isPython = false, counted }: SchemaGrammarOptions = {}) {
    this.#root = root;
    this.#prefix = prefix;
    this.#isPython = isPython;
    this.#counted = counted;
  }

  /** The expression of the whole schema. Throws as `schemaGrammar`. */
  whole(): string {
    if (!canEnd(this.#root, this.#root))
      throw new FormatError("nothing can satisfy the schema: it contains itself without end");
    return this.value(this.#root, "the schema");
  }

  /** The expression of a part of the schema. Throws as `schemaGrammar`. */
  value(part: Schema, where: string): string {
    return this.#value(part, where, 0);
  }

  /** Adds a rule and returns its name. */
  rule(body: string): string {
    const name = `${this.#prefix}rule-${this.rules.length}`;
    this.rules.push(`${name} ::= ${body}`);
    return name;
  }

  #value(schema: Schema, where: string, depth: number): string {
    if (depth > MAX_DEPTH) throw new FormatError(`${where} lies deeper than ${MAX_DEPTH} levels`);
    if (schema === true) return "json-value";
    if (schema === false) throw new FormatError(`nothing can satisfy ${where}: it is false`);
    if (schema.$ref !== undefined) {
      only(schema, ["$ref"], where);
      return this.#reference(schema.$ref, where);
    }
    if (schema.const !== undefined) return this.#listed([schema.const], schema, "const", where);
    if (schema.enum !== undefined) return this.#listed(schema.enum, schema, "enum", where);
    for (const name of ["anyOf", "oneOf", "allOf"])
      if (schema[name] !== undefined) return this.#choice(schema, name, where, depth);
    const types = typesOf(schema, where);
    // Keywords of other types say nothing about values of these, such as the format "int32" of an integer.
    only(schema, ["type", ...Object.values(KEYWORDS).flat()], where);
    return either(types.map((type) => this.#typed(type, schema, where, depth)));
  }

  #reference(reference: unknown, where: string): string {
    const schema = resolve(this.#root, reference, where);
    const key = `${this.#isExact} ${reference}`;
    const known = this.#references.get(key);
    if (known) return known;
    const name = `${this.#prefix}ref-${this.#references.size}`;
    this.#references.set(key, name);
    if (this.#openReferences >= MAX_REFERENCES)
      throw new FormatError(`references to references: more than ${MAX_REFERENCES} in each other cannot be followed`);
    this.#openReferences++;
    this.rules.push(`${name} ::= ${this.#value(schema, String(reference), 0)}`);
    this.#openReferences--;
    return name;
  }

  #listed(values: unknown, schema: SchemaObject, name: string, where: string): string {
    only(schema, [name, "type"], where);
    if (!Array.isArray(values)) throw new FormatError(`${where}.${name} must be a list`);
    const types = schema.type === undefined ? undefined : typesOf(schema, where);
    const fitting = values.filter((value) => types === undefined || types.some((type) => isOfType(value, type)));
    if (fitting.length === 0) throw new FormatError(`nothing can satisfy ${where}: ${name} has no value of its type`);
    return either(fitting.map((value) => literal(this.#word(value) ?? JSON.stringify(value) ?? "null")));
  }

  #choice(schema: SchemaObject, name: string, where: string, depth: number): string {
    only(schema, [name], where);
    const schemas = schema[name];
    if (!Array.isArray(schemas) || schemas.length === 0) throw new FormatError(`${where}.${name} must list schemas`);
    if (name === "allOf" && schemas.length > 1)
      throw new FormatError(`the keyword "allOf" of several schemas in ${where} cannot be followed`);
    const parts = schemas.map((part, i) => asSchema(part, `${where}.${name}[${i}]`));
    if (name === "oneOf" && !isDisjoint(parts, this.#root))
      throw new FormatError(`the keyword "oneOf" in ${where} cannot be followed: its schemas overlap; use anyOf`);
    // A schema that nothing satisfies is not an alternative.
    const possible = parts.filter((part) => part !== false && canEnd(part, this.#root));
    if (possible.length === 0) throw new FormatError(`nothing can satisfy ${where}.${name}`);
    // A string of two of them may be under either: the mask would not tell which bounds it may break.
    const mayOverlap = possible.filter((part) => canBeString(part, this.#root)).length > 1;
    const wasExact = this.#isExact;
    return either(
      possible.map((part, i) => {
        this.#isExact = wasExact || (mayOverlap && canBeString(part, this.#root));
        const value = this.#value(part, `${where}.${name}[${i}]`, depth + 1);
        this.#isExact = wasExact;
        return value;
      }),
    );
  }

  #typed(type: string, schema: SchemaObject, where: string, depth: number): string {
    switch (type) {
      case "object":
        return this.#object(schema, where, depth);
      case "array":
        return this.#array(schema, where, depth);
      case "string":
        return this.#string(schema, where);
      case "number":
      case "integer":
        return this.#number(type, schema, where);
      case "boolean":
        return either([true, false].map((value) => literal(this.#word(value) ?? String(value))));
      default:
        return literal(this.#word(null) ?? "null");
    }
  }

  /** Python's word for true, false and null, where it is asked for. */
  #word(value: unknown): string | undefined {
    if (!this.#isPython || (value !== null && typeof value !== "boolean")) return undefined;
    return value === null ? "None" : value ? "True" : "False";
  }

  #number(type: "number" | "integer", schema: SchemaObject, where: string): string {
    const [min, max] = [numeric(schema, "minimum", where), numeric(schema, "maximum", where)];
    const [above, below] = [numeric(schema, "exclusiveMinimum", where), numeric(schema, "exclusiveMaximum", where)];
    const aboveMin = above !== undefined && above >= (min ?? Number.NEGATIVE_INFINITY);
    const belowMax = below !== undefined && below <= (max ?? Number.POSITIVE_INFINITY);
    const bounds = { min: aboveMin ? above : min, max: belowMax ? below : max, aboveMin, belowMax };
    return type === "integer" ? integerGrammar(bounds) : numberGrammar(bounds);
  }

  #string(schema: SchemaObject, where: string): string {
    const pattern = patternOf(schema, where);
    const [least, most] = [count(schema, "minLength", where), count(schema, "maxLength", where)];
    if (pattern !== undefined) return this.rule(sequence([QUOTE, regexGrammar(pattern, inJsonString), QUOTE]));
    if (least === undefined && most === undefined) return "json-string";
    return this.#bounded(least ?? 0, most ?? Number.POSITIVE_INFINITY, where);
  }

  /** A string of so many characters. */
  #bounded(least: number, most: number, where: string): string {
    if (most < least) throw new FormatError(`nothing can satisfy ${where}: minLength ${least}, maxLength ${most}`);
    if (most === 0) return literal('""');
    const counted = this.#isExact ? undefined : this.#counted?.ruleFor(least, most);
    return counted ?? sequence([QUOTE, repeat("json-character", least, most), QUOTE]);
  }

  #array(schema: SchemaObject, where: string, depth: number): string {
    const prefix = schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : []);
    if (!Array.isArray(prefix)) throw new FormatError(`${where}.prefixItems must list schemas`);
    const others = Array.isArray(schema.items) ? schema.additionalItems : (schema.items ?? schema.unevaluatedItems);
    const least = count(schema, "minItems", where) ?? 0;
    const most = count(schema, "maxItems", where) ?? Number.POSITIVE_INFINITY;
    if (most < least) throw new FormatError(`nothing can satisfy ${where}: minItems ${least}, maxItems ${most}`);
    const fixed = prefix.map((item, i) =>
      this.#value(asSchema(item, `${where}.prefixItems[${i}]`), `${where}.prefixItems[${i}]`, depth + 1),
    );
    const rest = others === undefined ? true : asSchema(others, `${where}.items`);
    // Written from the end: what may follow item i, if there is one.
    const begun = fixed.slice(0, Math.min(fixed.length, most));
    let tail = '""';
    const [missing, room] = [Math.max(0, least - fixed.length), Math.max(0, most - fixed.length)];
    const hasRest = isPossible(rest, this.#root) && room > 0;
    if (missing > 0 && !hasRest) throw new FormatError(`nothing can satisfy ${where}: minItems ${least}`);
    const item = hasRest ? this.rule(this.#value(rest, `${where}.items`, depth + 1)) : "";
    if (hasRest && begun.length === fixed.length) {
      const more = begun.length === 0 ? Math.max(0, missing - 1) : missing;
      tail = repeat(`${COMMA} ${item}`, more, begun.length === 0 ? room - 1 : room);
      if (begun.length === 0) {
        const all = sequence([item, tail]);
        return sequence(['"["', least === 0 ? `(${all})?` : all, '"]"']);
      }
    }
    for (let i = begun.length - 1; i >= 0; i--) {
      const one = sequence([...(i > 0 ? [COMMA] : []), begun[i]!, tail]);
      tail = i + 1 > least ? `(${one})?` : one;
    }
    return sequence(['"["', tail, '"]"']);
  }

  #object(schema: SchemaObject, where: string, depth: number): string {
    const { properties = {}, required = [] } = schema;
    if (!isObject(properties)) throw new FormatError(`${where}.properties must be an object`);
    if (!isNames(required)) throw new FormatError(`${where}.required must be a list of names`);
    const others = schema.additionalProperties ?? schema.unevaluatedProperties ?? true;
    const otherSchema = asSchema(others, `${where}.additionalProperties`);
    const names = new Set([...Object.keys(properties), ...required]);
    if (names.size === 0) return this.#map(schema, otherSchema, where, depth);
    only(
      schema,
      [
        "type",
        ...Object.values(KEYWORDS)
          .flat()
          .filter((name) => !MAP_ONLY.includes(name)),
        ...(areNamed(schema, required) ? ["propertyNames"] : []),
      ],
      where,
    );
    if ((count(schema, "minProperties", where) ?? 0) > required.length)
      throw new FormatError(`the keyword "minProperties" beside properties in ${where} cannot be followed`);
    const entries = [...names].flatMap((name) => {
      const isRequired = required.includes(name);
      const value = asSchema(
        Object.hasOwn(properties, name) ? properties[name] : otherSchema,
        `${where}.properties.${name}`,
      );
      if (!isRequired && !isPossible(value, this.#root)) return [];
      const pair = sequence([literal(JSON.stringify(name)), COLON, this.#value(value, `${where}.${name}`, depth + 1)]);
      return [{ isRequired, pair: this.rule(pair) }];
    });
    // Tail i: the entries from i on, after one before them; head i: the same, as the first ones.
    let [tail, head] = ['""', '""'];
    for (const { isRequired, pair } of entries.reverse()) {
      const first = sequence([pair, tail]);
      head = isRequired ? first : this.rule(either([first, head]));
      const next = sequence([COMMA, pair]);
      tail = this.rule(sequence([isRequired ? next : `(${next})?`, tail]));
    }
    return sequence(['"{"', head, '"}"']);
  }

  /** An object of names that the schema does not list. */
  #map(schema: SchemaObject, others: Schema, where: string, depth: number): string {
    const least = count(schema, "minProperties", where) ?? 0;
    const most = count(schema, "maxProperties", where) ?? Number.POSITIVE_INFINITY;
    // The same name twice counts once, and a grammar cannot count names.
    if (least > 1) throw new FormatError(`the keyword "minProperties" above 1 in ${where} cannot be followed`);
    const { patternProperties = {} } = schema;
    if (!isObject(patternProperties)) throw new FormatError(`${where}.patternProperties must be an object`);
    const patterns = Object.entries(patternProperties);
    if (patterns.length > 1) throw new FormatError(`several "patternProperties" in ${where} cannot be followed`);
    const [pattern] = patterns;
    if (pattern && schema.propertyNames !== undefined)
      throw new FormatError(`"propertyNames" beside "patternProperties" in ${where} cannot be followed`);
    const value = pattern ? asSchema(pattern[1], `${where}.patternProperties`) : others;
    if (!isPossible(value, this.#root) || most === 0) {
      if (least > 0) throw new FormatError(`nothing can satisfy ${where}: it must have a property and may have none`);
      return '"{}"';
    }
    const names =
      schema.propertyNames === undefined ? undefined : asSchema(schema.propertyNames, `${where}.propertyNames`);
    let name = "json-string";
    if (pattern) name = this.#string({ pattern: pattern[0] }, where);
    else if (isObject(names)) name = this.#value({ type: "string", ...names }, `${where}.propertyNames`, depth + 1);
    const pair = this.rule(sequence([name, COLON, this.#value(value, `${where}.additionalProperties`, depth + 1)]));
    const all = sequence([pair, repeat(`${COMMA} ${pair}`, 0, most - 1)]);
    return sequence(['"{"', least === 0 ? `(${all})?` : all, '"}"']);
  }
}

const MAP_ONLY = ["patternProperties", "propertyNames", "maxProperties"];

function isPossible(schema: Schema, root: Schema): boolean {
  return schema !== false && canEnd(schema, root);
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  return type === "object" ? isObject(value) : typeof value === type;
}
