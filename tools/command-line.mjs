// Parses a command's options. Errors are one line with the next step.
import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute } from "node:path";
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
 * Values of the options in `definitions`. Throws an Error of one line for an unknown option, for one without its value, and
 * for one that is given twice and takes one value.
 * @template {import("node:util").ParseArgsConfig["options"] & {}} Definitions
 * @param {string[]} args
 * @param {Definitions} definitions
 * @param {string} example an option with its value, for messages
 */
export function parseOptions(args, definitions, example) {
  const { values, tokens } = parsed(args, definitions, example);
  /** @type {Map<string, string>} */
  const given = new Map();
  for (const token of tokens) {
    if (token.kind !== "option" || token.value === undefined || definitions[token.name]?.multiple) continue;
    const { name, value } = token;
    if (given.has(name))
      throw new Error(`--${name} is there twice, as ${quoted(given.get(name))} and ${quoted(value)}; keep one`);
    given.set(name, value);
  }
  return values;
}

/**
 * @template {import("node:util").ParseArgsConfig["options"] & {}} Definitions
 * @param {string[]} args
 * @param {Definitions} definitions
 * @param {string} example
 */
function parsed(args, definitions, example) {
  try {
    return parseArgs({ args, options: definitions, strict: true, allowPositionals: false, tokens: true });
  } catch (error) {
    throw new Error(explain(/** @type {Error & { code?: string }} */ (error), definitions, example));
  }
}

/** @param {string | undefined} text */
function quoted(text) {
  return JSON.stringify(text);
}

/**
 * @param {Error & { code?: string }} error of parseArgs
 * @param {import("node:util").ParseArgsConfig["options"] & {}} definitions
 * @param {string} example
 */
function explain({ code, message }, definitions, example) {
  const [, named = ""] = /'([^']*)'/.exec(message) ?? [];
  const all = Object.keys(definitions).map((name) => `--${name}`);
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `unknown option ${named}; options: ${all.join(", ")}`;
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL")
    return `unexpected "${named}"; put each value after its option, as in ${example}`;
  if (code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    const [option = named] = /--?[\w-]+/.exec(named.replace(/^-\w, /, "")) ?? [];
    const long = all.find((name) => name === option || `-${definitions[name.slice(2)]?.short}` === option) ?? option;
    if (/does not take/.test(message)) return `${long} takes no value; write ${long} alone`;
    if (/ambiguous/.test(message))
      return `${long} needs a value, and an option follows; write ${long}=VALUE for a value that begins with "-"`;
    return `${long} needs a value; put it after the option, as in ${example}`;
  }
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

/**
 * Throws an Error of one line unless the path is that of a file that can be read.
 * @param {string} option
 * @param {string} path
 */
export function checkFile(option, path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  // npm runs its scripts in the project's folder, wherever the user is.
  if (!stats)
    throw new Error(
      `${option} ${path}: no such file; ${isAbsolute(path) ? "check the path" : `the path begins in ${process.cwd()}`}`,
    );
  if (stats.isDirectory()) throw new Error(`${option} ${path} is a folder; name a file in it`);
  if (!stats.isFile()) throw new Error(`${option} ${path} is not a file; name one`);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new Error(`${option} ${path} cannot be read; check its permissions`);
  }
}
