// Parses a command's options. Errors are one line with the next step.
import { parseArgs } from "node:util";

/**
 * Prints a command's help. Returns the exit code.
 * @param {string} text ends in a new line
 */
export function printHelp(text) {
  process.stdout.write(text);
  return 0;
}

/** @param {readonly string[]} args */
export function asksForHelp(args) {
  return args.includes("--help") || args.includes("-h");
}

/**
 * Values of the options in `definitions`. Throws an Error of one line for unknown options.
 * @template {import("node:util").ParseArgsConfig["options"] & {}} Definitions
 * @param {string[]} args
 * @param {Definitions} definitions
 * @param {string} example an option with its value, for messages
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
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `unknown option ${named}; options: ${all.join(", ")}`;
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL")
    return `unexpected "${named}"; put each value after its option, as in ${example}`;
  return message.split("\n")[0] ?? message;
}

/**
 * A positive integer. Throws an Error of one line for any other string.
 * @param {string} option
 * @param {string} text
 * @param {string} [expected] the expected value, for the message
 */
export function parseCount(option, text, expected = "a positive integer") {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`${option} must be ${expected}, got ${JSON.stringify(text)}`);
  return value;
}
