/** The form of calls of tools as EBNF. Conventions describe the form; src/text/tool-calls reads the answers. */
import type { CallForm, CallFormPart, MemberNotation } from "../shared/tools.ts";
import type { CountedStrings } from "./counted-strings.ts";
import { characterClass, complement, either, FormatError, literal, repeat, sequence } from "./ebnf.ts";
import { asItself, regexGrammar } from "./regex-grammar.ts";
import { canEnd } from "./schema-choices.ts";
import { asSchema, count, isNames, isObject, resolve, type Schema, type SchemaObject } from "./schema-fields.ts";
import { type CountedGrammar, grammarWithCounts, SchemaGrammar } from "./schema-grammar.ts";
import { patternOf } from "./string-formats.ts";

/** A character of an unquoted string: not "<", which begins its end. */
const RAW_CHARACTER = characterClass(complement([[0x3c, 0x3c]]));

/** @throws FormatError for a tool's schema that cannot be followed */
export function callGrammar(form: CallForm): CountedGrammar {
  const schemas: object[] = [];
  const isCountable = isQuoted(form, schemas);
  return grammarWithCounts(schemas, (counted) => rulesOf(form, isCountable ? counted : undefined));
}

/** True if quotes stand only around JSON's strings. @param schemas gets those of the form */
function isQuoted(form: CallForm, schemas: object[]): boolean {
  return form.every((part) => {
    if (typeof part === "string") return true;
    if ("either" in part) return part.either.every((one) => isQuoted(one, schemas));
    if ("oneOrMore" in part) return isQuoted(part.oneOrMore, schemas);
    schemas.push("json" in part ? part.json : part.members);
    if ("json" in part) return true;
    // Names of members stand as they are: one with a quote would look like a string.
    const { properties } = part.members as SchemaObject;
    return !part.notation.rawStrings && !Object.keys(properties ?? {}).some((name) => name.includes('"'));
  });
}

function rulesOf(form: CallForm, counted: CountedStrings | undefined): string[] {
  const rules: string[] = [];
  let schemas = 0;
  const grammarOf = (schema: object, isPython = false) =>
    new SchemaGrammar(asSchema(schema, "parameters"), { prefix: `tool-${schemas++}-`, isPython, counted });
  const write = (part: CallFormPart): string => {
    if (typeof part === "string") return literal(part);
    if ("either" in part) return either(part.either.map(writeAll));
    if ("oneOrMore" in part) {
      const one = `calls-${rules.length}`;
      rules.push(`${one} ::= ${writeAll(part.oneOrMore)}`);
      return `(${one} (${sequence([literal(part.between), one])})*)`;
    }
    if ("json" in part) {
      const grammar = grammarOf(part.json);
      const expression = grammar.whole();
      rules.push(...grammar.rules);
      return expression;
    }
    const grammar = grammarOf(part.members, part.notation.isPython);
    const expression = membersOf(part.members as SchemaObject, part.notation, grammar);
    rules.push(...grammar.rules);
    return expression;
  };
  const writeAll = (parts: CallForm): string => sequence(parts.map(write));
  return [`root ::= ${writeAll(form)}`, ...rules];
}

/** The properties of an object in the schema's order; those that are not required may be left out. */
function membersOf(schema: SchemaObject, notation: MemberNotation, grammar: SchemaGrammar): string {
  const root = schema as Schema;
  const object = schema.$ref === undefined ? schema : resolve(root, schema.$ref, "parameters");
  if (!isObject(object)) throw new FormatError("parameters must describe an object");
  const { properties = {}, required = [] } = object;
  if (!isObject(properties)) throw new FormatError("parameters.properties must be an object");
  if (!isNames(required)) throw new FormatError("parameters.required must be a list of names");
  if (required.some((name) => !Object.hasOwn(properties, name)))
    throw new FormatError("parameters.required names a property that parameters.properties lacks");
  // Written from the end: what may follow a member, and the same where nothing stands before it.
  let [tail, head] = ['""', '""'];
  for (const [name, value] of Object.entries(properties).reverse()) {
    const property = asSchema(value, `parameters.properties.${name}`);
    const isRequired = required.includes(name);
    if (property === false || !canEnd(property, root)) {
      if (isRequired) throw new FormatError(`nothing can satisfy parameters.properties.${name}`);
      continue;
    }
    const { beforeName, afterName, afterValue, between, nameEnds } = notation;
    if (name === "" || Array.from(nameEnds).some((character) => name.includes(character)))
      throw new FormatError(
        `this model's calls cannot write the name ${JSON.stringify(name)} of a property; rename it`,
      );
    const one = sequence([
      literal(`${beforeName}${name}${afterName}`),
      valueIn(property, name, notation, grammar),
      literal(afterValue),
    ]);
    const first = sequence([one, tail]);
    const next = sequence([literal(between), one]);
    head = isRequired ? first : either([first, head]);
    tail = sequence([isRequired ? next : `(${next})?`, tail]);
    [head, tail] = [head, tail].map((body) => addRule(grammar, body)) as [string, string];
  }
  return sequence([literal(notation.open), head, literal(notation.close)]);
}

function addRule(grammar: SchemaGrammar, body: string): string {
  return body === '""' ? body : grammar.rule(body);
}

/** A value; a string stands as it is where the notation says so. */
function valueIn(property: Schema, name: string, { rawStrings }: MemberNotation, grammar: SchemaGrammar): string {
  const where = `parameters.properties.${name}`;
  if (!rawStrings || !isObject(property) || property.type !== "string") return grammar.value(property, where);
  const [open, close] = rawStrings;
  const values = property.const === undefined ? property.enum : [property.const];
  if (Array.isArray(values)) {
    const texts = values.filter((value): value is string => typeof value === "string");
    return either(texts.map((text) => literal(`${open}${text}${close}`)));
  }
  return sequence([literal(open), rawText(property, where), literal(close)]);
}

/** A string without quotes. */
function rawText(property: SchemaObject, where: string): string {
  const [least = 0, most = Number.POSITIVE_INFINITY] = [
    count(property, "minLength", where),
    count(property, "maxLength", where),
  ];
  const pattern = patternOf(property, where);
  return pattern === undefined ? repeat(RAW_CHARACTER, least, most) : regexGrammar(pattern, asItself);
}
