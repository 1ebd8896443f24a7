/** The folder that export_smolvlm.py writes, outside of the repository. Node only. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { modelCache } from "../../tools/real-model.mjs";

/** Where it is served. */
export const SMOLVLM_ADDRESS = "/smolvlm-random/";

/** The path, or undefined if the script has not run yet. */
export function smolvlmFolder(): string | undefined {
  const folder = join(modelCache(), "smolvlm-random");
  return existsSync(join(folder, "model.safetensors")) ? folder : undefined;
}
