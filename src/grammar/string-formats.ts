/**
 * Patterns for the `format` of strings in JSON Schema: each a part of what the format allows, and nothing else.
 * Repetitions are few or without a limit: others cost the library seconds in a large vocabulary.
 */
import { shown } from "../shared/json.ts";
import { FormatError } from "./ebnf.ts";
import { matchesSamples } from "./pattern-samples.ts";
import { count, type SchemaObject } from "./schema-fields.ts";
import { sizedPattern } from "./sized-pattern.ts";

const DAY = "(0[1-9]|1\\d|2[0-8])";
const MONTH = "(0[1-9]|1[0-2])";
const DATE = `(19|20)\\d{2}-(${MONTH}-${DAY}|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)`;
const CLOCK = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?";
const TIME = `${CLOCK}(Z|[+-](0\\d|1[0-3]):[0-5]\\d)`;
const LABEL = "[a-z0-9]{1,9}(-[a-z0-9]{1,9})?";
const HOST = `${LABEL}(\\.${LABEL}){0,2}`;
const BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const PATH = "(/[A-Za-z0-9._~-]*)*(\\?[A-Za-z0-9._~=&-]*)?";

const STRING_FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  "date-time": `${DATE}T${TIME}`,
  duration: "P(\\d{1,4}D(T\\d{1,4}H)?|T\\d{1,4}[HMS]|\\d{1,4}[YMW])",
  email: `[A-Za-z0-9_+-]+(\\.[A-Za-z0-9_+-]+)*@${LABEL}(\\.${LABEL})?\\.[a-z]{2,9}`,
  hostname: HOST,
  ipv4: `${BYTE}(\\.${BYTE}){3}`,
  ipv6: "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
  uri: `https?://${HOST}${PATH}`,
  uuid: "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
};

/** Narrower languages of the same formats, for schemas that have a pattern beside the format. */
const NARROWER: Readonly<Record<string, string>> = { "date-time": `${DATE}T${CLOCK}Z` };

/**
 * The pattern of a string's schema, its own or that of its format; undefined for neither. Libraries of schemas write
 * both: then a language that has the format and fits the pattern. An unknown format says nothing beside a pattern.
 *
 * @throws FormatError
 */
export function patternOf(schema: SchemaObject, where: string): string | undefined {
  const { pattern, format, minLength, maxLength } = schema;
  if (pattern === undefined && format === undefined) return undefined;
  if (pattern !== undefined && typeof pattern !== "string") throw new FormatError(`${where}.pattern must be a string`);
  const own = typeof format === "string" && Object.hasOwn(STRING_FORMATS, format) ? STRING_FORMATS[format] : undefined;
  if (pattern === undefined && own === undefined)
    throw new FormatError(
      `the format ${shown(format)} in ${where} cannot be followed; known: ${Object.keys(STRING_FORMATS).join(", ")}`,
    );
  const isSized = minLength !== undefined || maxLength !== undefined;
  const together = new FormatError(`pattern, format and lengths of one string in ${where} cannot be followed together`);
  if (own === undefined) return isSized ? sized(pattern!, schema, where, together) : pattern;
  if (isSized) throw together;
  if (pattern === undefined) return own;
  const fitting = [own, NARROWER[String(format)]].find((one) => one !== undefined && matchesSamples(pattern, one));
  if (fitting === undefined) throw together;
  return fitting;
}

function sized(pattern: string, schema: SchemaObject, where: string, otherwise: FormatError): string {
  const least = count(schema, "minLength", where) ?? 0;
  const most = count(schema, "maxLength", where) ?? Number.POSITIVE_INFINITY;
  let narrowed: string | undefined;
  try {
    narrowed = sizedPattern(pattern, least, most);
  } catch {
    // An invalid pattern is refused when its grammar is written.
    return pattern;
  }
  if (narrowed === undefined) throw otherwise;
  return narrowed;
}
