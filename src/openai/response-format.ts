/** Reads `response_format` of a request. */
import type { AnswerFormat } from "../api.ts";
import { invalid } from "./api-error.ts";
import { asFields, asText, field, flag, onlyFields, shorten } from "./fields.ts";

const NAME = "response_format";

/** Undefined for plain text. The engine checks the schema; it follows every schema strictly, whatever `strict` says. */
export function readResponseFormat(value: unknown): AnswerFormat | undefined {
  if (value === undefined) return undefined;
  const format = asFields(value, NAME);
  const type = asText(field(format, "type"), `${NAME}.type`);
  if (type === "text" || type === "json_object") {
    onlyFields(format, ["type"], NAME);
    return type === "text" ? undefined : { type: "json" };
  }
  if (type !== "json_schema") {
    const message = `'${NAME}.type' must be 'text', 'json_object' or 'json_schema', got '${shorten(type)}'`;
    throw invalid(`${NAME}.type`, message, "invalid_value");
  }
  onlyFields(format, ["type", "json_schema"], NAME);
  const where = `${NAME}.json_schema`;
  const described = asFields(field(format, "json_schema"), where);
  onlyFields(described, ["name", "description", "schema", "strict"], where);
  asText(field(described, "name"), `${where}.name`);
  flag(described, "strict", `${where}.strict`);
  return { type: "json-schema", schema: asFields(field(described, "schema") ?? {}, `${where}.schema`) };
}
