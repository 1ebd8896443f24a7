// Options of a command, read from its arguments; what cannot be meant is refused in one line that helps.
import { parseArgs } from "node:util";

/**
 * Values of the options named in `definitions`. Throws an Error of one line for anything else.
 * @template {import("node:util").ParseArgsConfig["options"] & {}} Definitions
 * @param {string[]} args
 * @param {Definitions} definitions
 * @param {string} example of an option with its value
 */
export function parseOptions(args, definitions, example) {
  try {
    return parseArgs({ args, options: definitions, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new Error(explain(/** @type {Error & { code?: string }} */ (error), Object.keys(definitions), example));
  }
}

/**
 * @param {Error & { code?: string }} error of parseArgs
 * @param {string[]} names
 * @param {string} example
 */
function explain({ code, message }, names, example) {
  const [, named = ""] = /'([^']*)'/.exec(message) ?? [];
  const all = names.map((name) => `--${name}`);
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `unknown option ${named}; there are ${all.join(", ")}`;
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL")
    return `unexpected "${named}"; every value follows its option, as in ${example}`;
  return message.split("\n")[0] ?? message;
}

/**
 * A whole number above 0. Throws an Error of one line for any other text.
 * @param {string} option
 * @param {string} text
 * @param {string} [expected] what the message says is expected
 */
export function parseCount(option, text, expected = "a whole number above 0") {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`${option} must be ${expected}, got ${JSON.stringify(text)}`);
  return value;
}
