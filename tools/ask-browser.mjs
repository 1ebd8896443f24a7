// The work of `npm run ask`: serves the built library, the model and the pictures, asks in headless Chromium
// (ask-page.mjs), and prints the answer.
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { CHROMIUM_FLAGS, findChromium } from "./chromium.mjs";
import { ensureLibrary } from "./library.mjs";
import { LIBRARY_ADDRESS, libraryPaths } from "./library-page.mjs";
import { serve } from "./serve.mjs";
import { importTypeScript } from "./typescript.mjs";
import { chooseVariant, variantLines } from "./variants.mjs";

/** Browsers start slowly on a busy machine. */
const LAUNCH_TIMEOUT_MS = 120_000;
const SHOWN_CLASSES = 5;

/**
 * Prints the answer and returns the exit code. Throws an Error on failure.
 * @param {import("./ask-options.mjs").AskOptions} options
 */
export async function askInBrowser(options) {
  const executablePath = findChromium();
  await ensureLibrary();
  // This browser's only page is our own, and servers need not allow it.
  const flags = options.server === undefined ? CHROMIUM_FLAGS : [...CHROMIUM_FLAGS, "--disable-web-security"];
  const terminal = new Terminal(options.json);
  const interrupted = interruption();
  // A reader such as `head` may close the pipe early, which is not an error.
  process.stdout.on("error", (error) => process.exit("code" in error && error.code === "EPIPE" ? 0 : 1));
  const server = await serve(servedPaths(options));
  const launch = { executablePath, args: flags, timeout: LAUNCH_TIMEOUT_MS };
  // This process handles signals, not the browser.
  const own = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const browserStarted = chromium.launch({ ...launch, ...own });
  try {
    const result = await Promise.race([
      interrupted,
      browserStarted.then((browser) => askIn(browser, server.origin, options, terminal)),
    ]);
    if (typeof result === "number") return result;
    if (Array.isArray(result)) terminal.list(result);
    else terminal.finish(result);
    return 0;
  } finally {
    terminal.close();
    server.close();
    await browserStarted.then((browser) => browser.close()).catch(() => {});
  }
}

/** @returns {Promise<number>} the exit code of an interrupted command, once a signal arrives */
function interruption() {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve(130));
    process.once("SIGTERM", () => resolve(143));
  });
}

/**
 * @param {import("./ask-options.mjs").AskOptions} options
 * @returns {Record<string, import("./serve.mjs").Served>}
 */
function servedPaths({ model, images, videos }) {
  /** @type {Record<string, import("./serve.mjs").Served>} */
  const paths = {
    ...libraryPaths(),
    "/ask-page.mjs": { file: fileURLToPath(new URL("./ask-page.mjs", import.meta.url)) },
  };
  if ("folder" in model) paths["/model/"] = { folder: model.folder };
  for (const [index, file] of images.entries()) paths[`/image/${index}`] = { file };
  for (const [index, file] of videos.entries()) paths[`/video/${index}`] = { file };
  return paths;
}

/**
 * @param {import("playwright").Browser} browser
 * @param {string} origin
 * @param {import("./ask-options.mjs").AskOptions} options
 * @param {Terminal} terminal
 * @returns {Promise<import("./ask-page.mjs").PageResult | import("./variants.mjs").ListedVariant[]>}
 */
async function askIn(browser, origin, options, terminal) {
  const { model, images, pages, videos, frames, prompt, compression, inhibition, maxTokens } = options;
  const page = await browser.newPage();
  const crashed = new Promise((_, reject) => {
    page.once("crash", () =>
      reject(new Error("the browser's page crashed, most likely out of memory; try a smaller model")),
    );
  });
  await page.exposeFunction("emitToTerminal", (/** @type {import("./ask-page.mjs").PageEvent} */ event) =>
    terminal.show(event),
  );
  await page.goto(`${origin}/`);
  /** @type {import("./ask-page.mjs").PageRequest} */
  const request = {
    library: LIBRARY_ADDRESS,
    ...(options.server !== undefined && { server: { baseURL: options.server, apiKey: process.env.FOVEA_API_KEY } }),
    model: "folder" in model ? `${origin}/model/` : model.source,
    variant: options.variant,
    hubToken: process.env.HF_TOKEN,
    hubUrl: process.env.HF_ENDPOINT,
    images: images.map((path, index) => ({ name: basename(path), url: `/image/${index}` })),
    pages,
    videos: videos.map((path, index) => ({ name: basename(path), url: `/video/${index}` })),
    frames,
    prompt,
    compression,
    inhibition,
    maxTokens,
    answer: options.answer,
  };
  const listed = () => (options.server === undefined ? listVariants(page, request, model) : Promise.resolve([]));
  if (options.variant === "list") return listed();
  if (options.variant === undefined && process.stdin.isTTY && process.stderr.isTTY && !options.json) {
    const variants = await listed();
    if (variants.length > 1) request.variant = await chooseVariant(variants, askTerminal);
  }
  if ("folder" in model) request.variant = await localVariant(model.folder, request.variant, terminal);
  const answered = page.evaluate(async (request) => {
    const address = "/ask-page.mjs";
    /** @type {typeof import("./ask-page.mjs")} */
    const { ask } = await import(address);
    try {
      return { result: await ask(request, Reflect.get(window, "emitToTerminal")) };
    } catch (error) {
      return { message: error instanceof Error ? error.message : String(error) };
    }
  }, request);
  const outcome = await /** @type {typeof answered} */ (Promise.race([answered, crashed]));
  if (outcome.result) return outcome.result;
  throw new Error(
    "folder" in model ? outcome.message?.replaceAll(`${origin}/model/`, `${model.folder}/`) : outcome.message,
  );
}

/**
 * The quantisations of a model: of a local folder by its files, which the library cannot list at an address.
 * @param {import("playwright").Page} page
 * @param {import("./ask-page.mjs").PageRequest} request
 * @param {import("./ask-options.mjs").AskOptions["model"]} model
 * @returns {Promise<import("./variants.mjs").ListedVariant[]>}
 */
async function listVariants(page, request, model) {
  if ("folder" in model) {
    const variants = await localVariants(readdirSync(model.folder));
    return variants.map(({ label, file, files }, i) => {
      const bytes = files.reduce((sum, name) => sum + statSync(join(model.folder, name)).size, 0);
      return { name: label, file, bytes, fits: true, chosen: i === 0 };
    });
  }
  return page.evaluate(async (request) => {
    const address = "/ask-page.mjs";
    /** @type {typeof import("./ask-page.mjs")} */
    const { listVariants } = await import(address);
    // A model that cannot be read is reported by its load.
    return listVariants(request).catch(() => []);
  }, request);
}

/** @param {readonly string[]} names of a folder; the best first, none if safetensors take precedence */
async function localVariants(names) {
  if (names.some((name) => name.endsWith(".safetensors"))) return [];
  /** @type {typeof import("../src/weights/formats/gguf/variants.ts")} */
  const { languageVariants, shardNames } = await importTypeScript("src/weights/formats/gguf/variants.ts");
  return languageVariants(names).map((variant) => ({
    ...variant,
    files: shardNames(variant.file).filter((name) => names.includes(name)),
  }));
}

/** @param {string} question */
async function askTerminal(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/**
 * The GGUF files of a local folder to read, language file and vision file. They are found by their names here, because
 * the library cannot list a folder at an address. Undefined for a folder in Hugging Face layout.
 * @param {string} folder
 * @param {string | undefined} wanted
 * @param {Terminal} terminal
 * @returns {Promise<string | undefined>}
 */
async function localVariant(folder, wanted, terminal) {
  const names = readdirSync(folder);
  if (wanted === undefined && names.some((name) => name.endsWith(".safetensors"))) return undefined;
  if (!names.some((name) => /\.gguf$/i.test(name))) return wanted;
  /** @type {typeof import("../src/weights/formats/gguf/variants.ts")} */
  const { chosen, languageVariants, visionVariants } = await importTypeScript("src/weights/formats/gguf/variants.ts");
  const all = languageVariants(names);
  // A vision file may follow the language file after a comma; the library checks such a name.
  if (wanted?.includes(",")) return wanted;
  const [language] = wanted === undefined ? all : chosen(all, wanted);
  if (!language && all.length > 0)
    throw new Error(
      `--variant ${wanted}: ${folder} has no such GGUF file; it has ${all.map(({ label, file }) => `${label} (${file})`).join(", ")}`,
    );
  if (!language) return wanted;
  if (wanted === undefined && all.length > 1)
    terminal.show({
      type: "note",
      text: `${folder} has ${all.length} quantisations; ${language.label} (${language.file}) was chosen. Name another one with --variant`,
    });
  const [vision] = visionVariants(names);
  return vision ? `${language.file},${vision.file}` : language.file;
}

/** Prints an answer. */
class Terminal {
  #json;
  #lineOpen = false;
  #closed = false;
  #progress = false;
  /** @type {string[]} */
  #notes = [];

  /** @param {boolean} json prints one object at the end and nothing before */
  constructor(json) {
    this.#json = json;
  }

  /** @param {import("./ask-page.mjs").PageEvent} event */
  show(event) {
    // Drops events after an interruption.
    if (this.#closed) return;
    if (event.type === "load") {
      if (!process.stderr.isTTY) return;
      const percent = Math.floor((100 * event.loadedBytes) / Math.max(1, event.totalBytes));
      process.stderr.write(`\rLoading ${percent} % `);
      this.#progress = true;
      if (percent === 100) this.#clearProgress();
    } else if (event.type === "note") {
      // After the answer: an error is one line alone.
      this.#notes.push(event.text);
    } else if (!this.#json && event.text) {
      process.stdout.write(event.text);
      this.#lineOpen = !event.text.endsWith("\n");
    }
  }

  #clearProgress() {
    if (this.#progress) process.stderr.write("\r\x1b[K");
    this.#progress = false;
  }

  /** @param {import("./ask-page.mjs").PageResult} result */
  finish(result) {
    if (this.#json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else {
      this.#endLine();
      for (const note of this.#notes) process.stderr.write(`note: ${note}\n`);
      for (const { label, probability } of result.classes?.slice(0, SHOWN_CLASSES) ?? [])
        process.stdout.write(`${(100 * probability).toFixed(1).padStart(5)} %  ${label}\n`);
    }
  }

  /** @param {import("./variants.mjs").ListedVariant[]} variants */
  list(variants) {
    if (this.#json) process.stdout.write(`${JSON.stringify(variants, null, 2)}\n`);
    else if (variants.length === 0) process.stderr.write("note: this model has one form only\n");
    else process.stdout.write(`${variantLines(variants).join("\n")}\n`);
  }

  /** Ends an open line. Nothing is printed afterwards. */
  close() {
    this.#clearProgress();
    this.#endLine();
    this.#closed = true;
  }

  #endLine() {
    if (this.#lineOpen) process.stdout.write("\n");
    this.#lineOpen = false;
  }
}
