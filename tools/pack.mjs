// npm run pack: a small copy of a model. Checks the command line before it loads anything; src/engine/pack does the work.
import { openAsBlob, readdirSync } from "node:fs";
import { mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HELP, parsePackOptions } from "./pack-options.mjs";

/** @param {string[]} args */
export async function run(args) {
  const options = parsePackOptions(args);
  if (options === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const { importTypeScript } = await import("./typescript.mjs");
  /** @type {typeof import("../src/engine/pack/pack-from.ts")} */
  const { packFrom } = await importTypeScript("src/engine/pack/pack-from.ts");
  const { model, weights, compact, out } = options;
  const source = "source" in model ? model.source : await filesOf(model);
  const name = "source" in model ? model.source : basename("file" in model ? model.file : model.folder);
  const { HF_TOKEN: hubToken, HF_ENDPOINT: hubUrl } = process.env;
  // The copy gets its name when it is complete.
  const unfinished = join(dirname(out), `.${basename(out)}.unfinished`);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished);
  try {
    const progress = new Progress();
    const summary = await packFrom(source, sinkOf(unfinished), {
      source: name,
      weights,
      compact,
      hubToken,
      hubUrl,
      onProgress: (state) => progress.show(state),
    });
    progress.end();
    await rmdir(out).catch(() => {});
    await rename(unfinished, out);
    print(summary, out);
    return 0;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * The files of a local model, which are read in pieces.
 * @param {{ folder: string } | { file: string }} model
 */
async function filesOf(model) {
  const paths =
    "file" in model
      ? [model.file]
      : readdirSync(model.folder, { withFileTypes: true })
          .filter((entry) => entry.isFile() || entry.isSymbolicLink())
          .map((entry) => join(model.folder, entry.name));
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [basename(path), await openAsBlob(path)])));
}

/**
 * @param {string} folder
 * @returns {import("../src/weights/formats/packed/write-safetensors.ts").FolderSink}
 */
function sinkOf(folder) {
  return {
    async create(name) {
      const file = await open(join(folder, name), "w");
      return {
        async write(position, bytes) {
          for (let at = 0; at < bytes.byteLength; )
            at += (await file.write(bytes, at, bytes.byteLength - at, position + at)).bytesWritten;
        },
        close: () => file.close(),
      };
    },
    rename: (from, to) => rename(join(folder, from), join(folder, to)),
  };
}

class Progress {
  #shown = 0;

  /** @param {{ tensors: number, ofTensors: number, bytes: number }} state */
  show({ tensors, ofTensors, bytes }) {
    if (!process.stderr.isTTY || (Date.now() - this.#shown < 200 && tensors < ofTensors)) return;
    this.#shown = Date.now();
    process.stderr.write(`\r${tensors} of ${ofTensors} tensors, ${megabytes(bytes)} `);
  }

  end() {
    if (this.#shown > 0) process.stderr.write("\r\x1b[K");
  }
}

/**
 * @param {import("../src/engine/pack/pack-model.ts").PackSummary} summary
 * @param {string} out
 */
function print({ family, parts, bytes, notes }, out) {
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  console.log(`${out}: ${family}, ${megabytes(bytes)}`);
  for (const { part, kept, tensors, parameters, bytes } of parts) {
    const count = `${(parameters / 1e6).toFixed(1)} million in ${tensors} tensors`;
    console.log(`  ${part.padEnd(17)} ${kept.padEnd(7)} ${megabytes(bytes).padStart(10)}  ${count}`);
  }
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
