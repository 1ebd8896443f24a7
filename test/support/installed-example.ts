/** The packages that `npm install` puts beside an example, as addresses of a test's server. Node only. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { libraryFolder, modelPackageFolder } from "../../tools/library.mjs";

/** @param example its folder on the server */
export function installedBeside(example: string): Record<string, { folder: string }> {
  const below = `/${example}/node_modules`;
  const packages = ["jinja", "tokenizers"].map((name) => {
    const file = fileURLToPath(import.meta.resolve(`@huggingface/${name}`));
    return [`${below}/@huggingface/${name}/dist/`, { folder: dirname(file) }];
  });
  return {
    ...Object.fromEntries(packages),
    [`${below}/fovea/dist/lib/`]: { folder: libraryFolder },
    [`${below}/fovea-demo-model/`]: { folder: modelPackageFolder },
  };
}
