// The options of `npm run ask` that shape the answer: its form, tools and sampling. The library checks the values.
import { readFileSync } from "node:fs";
import { checkFile, parseCount } from "./command-line.mjs";

const MAX_ANSWERS = 128;

export const ANSWER_DEFINITIONS = /** @type {const} */ ({
  format: { type: "string" },
  schema: { type: "string" },
  choice: { type: "string" },
  tools: { type: "string" },
  "tool-choice": { type: "string" },
  temperature: { type: "string" },
  seed: { type: "string" },
  "min-p": { type: "string" },
  "frequency-penalty": { type: "string" },
  "presence-penalty": { type: "string" },
  "logit-bias": { type: "string", multiple: true },
  stop: { type: "string", multiple: true },
  logprobs: { type: "string" },
  "top-logprobs": { type: "string" },
  answers: { type: "string", short: "n" },
});

export const ANSWER_HELP = `  --format json          answers with a JSON object
  --schema FILE          answers with JSON that the JSON Schema in the file accepts
  --choice A,B           answers with one of these texts
  --tools FILE           tools that the model may call: a JSON list of { type: "function", function }, as OpenAI's
  --tool-choice CHOICE   auto (the default), none, required, or the name of the tool to call
  --temperature T        0 (the default) takes the most likely token; --seed N makes other settings repeatable
  --min-p P              keeps tokens of at least this share of the most likely one's probability, 0 to 1
  --frequency-penalty X  -2 to 2, subtracted as often as the answer holds a token; --presence-penalty X, subtracted once
  --logit-bias ID=X      adds -100 to 100 to a token's logit; repeat it for several tokens
  --stop TEXT            a text that ends the answer; repeat it for several
  --top-logprobs N       with --json: the log-probability of each token, and of the N most likely ones, 0 to 20; the
                         same as --logprobs N
  -n, --answers N        so many answers, one after another, with growing seeds
`;

/**
 * The fields of a request, and the number of answers.
 * @typedef {Pick<import("../src/api.ts").GenerateRequest, "format" | "tools" | "toolChoice" | "temperature" | "seed" | "minP" | "frequencyPenalty" | "presencePenalty" | "logitBias" | "stop" | "topLogprobs"> & { answers?: number }} AnswerOptions
 */

/**
 * Throws an Error of one line for a wrong option.
 * @param {{ [name in keyof typeof ANSWER_DEFINITIONS]?: string | string[] | undefined }} given
 * @returns {AnswerOptions}
 */
export function answerOptions(given) {
  const values = /** @type {Record<string, string | undefined>} */ (given);
  const { format, schema, choice, tools, temperature, seed, answers } = values;
  exclusive({ format, schema, choice });
  const logprobs = values.logprobs ?? values["top-logprobs"];
  exclusive({ logprobs: values.logprobs, "top-logprobs": values["top-logprobs"] });
  if (format !== undefined && format !== "json")
    throw new Error(
      `--format must be json, got ${JSON.stringify(format)}; for other forms there are --schema and --choice`,
    );
  const toolChoice = values["tool-choice"];
  if (toolChoice !== undefined && tools === undefined)
    throw new Error("--tool-choice needs --tools FILE; name a file of tools");
  const bias = /** @type {string[] | undefined} */ (given["logit-bias"]);
  const stop = /** @type {string[] | undefined} */ (given.stop);
  return {
    ...(format !== undefined && { format: { type: "json" } }),
    ...(schema !== undefined && { format: { type: "json-schema", schema: readJson("--schema", schema) } }),
    ...(choice !== undefined && { format: { type: "choice", options: choice.split(",") } }),
    ...(tools !== undefined && { tools: readJson("--tools", tools) }),
    ...(toolChoice !== undefined && { toolChoice: choiceOf(toolChoice) }),
    ...number("temperature", "--temperature", temperature),
    ...number("seed", "--seed", seed),
    ...number("minP", "--min-p", values["min-p"]),
    ...number("frequencyPenalty", "--frequency-penalty", values["frequency-penalty"]),
    ...number("presencePenalty", "--presence-penalty", values["presence-penalty"]),
    ...(bias && { logitBias: Object.fromEntries(bias.map(biasOf)) }),
    ...(stop && { stop }),
    ...number("topLogprobs", values.logprobs === undefined ? "--top-logprobs" : "--logprobs", logprobs),
    ...(answers !== undefined && { answers: answersOf(answers) }),
  };
}

/** @param {Record<string, string | undefined>} options that exclude each other */
function exclusive(options) {
  const [first, second] = Object.keys(options).filter((name) => options[name] !== undefined);
  if (second) throw new Error(`--${first} and --${second} exclude each other; use one`);
}

/** @param {string} text @returns {import("../src/api.ts").ToolChoice} */
function choiceOf(text) {
  return text === "auto" || text === "none" || text === "required" ? text : { name: text };
}

/** @param {string} text */
function answersOf(text) {
  const count = parseCount("--answers", text);
  if (count > MAX_ANSWERS) throw new Error(`--answers must be at most ${MAX_ANSWERS}, got ${count}`);
  return count;
}

/** @param {string} text @returns {[string, number]} */
function biasOf(text) {
  const [, id, value] = /^(\d+)=(-?\d*\.?\d+)$/.exec(text) ?? [];
  if (id === undefined) throw new Error(`--logit-bias must be ID=NUMBER, as in 42=-100, got ${JSON.stringify(text)}`);
  return [id, Number(value)];
}

/**
 * @param {string} option
 * @param {string} path
 */
function readJson(option, path) {
  checkFile(option, path);
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${option} ${path} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * A numeric field; none if the option is missing.
 * @param {string} field
 * @param {string} option
 * @param {string | undefined} text
 */
function number(field, option, text) {
  if (text === undefined) return {};
  if (!/^-?\d*\.?\d+$/.test(text)) throw new Error(`${option} must be a number, got ${JSON.stringify(text)}`);
  return { [field]: Number(text) };
}
