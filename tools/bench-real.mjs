// npm run bench -- --real: a published model in Fovea and in wllama. The code is in bench/real/, in TypeScript, and runs
// through Vite as the tests do.
import { existsSync, linkSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { HELP, parseRealRun } from "../bench/real/options.mjs";
import { asksForHelp, printHelp } from "./command-line.mjs";
import { fetchModel, modelCache } from "./real-model.mjs";

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const options = parseRealRun(args);
  const forms = await makeForms();
  const { ensureLibrary } = await import("./library.mjs");
  await ensureLibrary();
  const { launchFirefox } = await import("./firefox.mjs");
  const { importTypeScript } = await import("./typescript.mjs");
  /** @type {typeof import("../bench/real/main.ts")} */
  const { main } = await importTypeScript("bench/real/main.ts");
  return main(options, args, forms, launchFirefox);
}

/** The model's three forms, made once: the file as published, all its values in f16, and these packed to 4 bits. */
async function makeForms() {
  const file = await fetchModel();
  const gguf = join(dirname(file), "gguf");
  mkdirSync(gguf, { recursive: true });
  if (!existsSync(join(gguf, "model.gguf"))) linkSync(file, join(gguf, "model.gguf"));
  const [f16, q4] = /** @type {const} */ (["f16", "q4"]).map((name) => join(modelCache(), `smollm2-135m-${name}`));
  const { run } = await import("./pack.mjs");
  const pack = async (/** @type {string} */ model, /** @type {string} */ weights, /** @type {string} */ out) => {
    if (!existsSync(out)) await run(["--model", model, "--weights", weights, "--out", out]);
    return out;
  };
  const whole = await pack(file, "f16", /** @type {string} */ (f16));
  return { gguf, f16: whole, q4: await pack(whole, "q4", /** @type {string} */ (q4)) };
}
