/** The public function that stores a small copy of a model on disk. Checks its arguments before it loads anything. */
import type { ModelFiles } from "../api.ts";
import { SMALL_COPY_FIELDS } from "../known-fields.ts";
import { checkFields } from "../shared/arguments.ts";
import type { SmallCopy, SmallCopyOptions } from "../shared/small-copy.ts";
import { checkCopyOptions } from "./check-arguments.ts";

/**
 * Stores a small copy of a model in the browser: the layers of its language model in 4 or 8 bits, as `weights: "q4"` or
 * `"q8"` loads them. The result's `source` loads the copy, without the original and without a network. The original
 * stays stored unless `replace` is true. A failure or an abort deletes the unfinished copy and changes nothing else. It
 * computes in this thread; `keepSmallCopy` of `fovea/worker` does so in a worker.
 *
 * @param source as for `Fovea.load`. Files of the caller need a `name`.
 * @throws FoveaError `download-failed`, also without room for the copy; `unsupported-model` for a model without a language
 * model, `bad-weights`, `hash-mismatch`, `aborted`; TypeError or RangeError for a wrong argument.
 */
export async function keepSmallCopy(source: string | URL | ModelFiles, options: SmallCopyOptions): Promise<SmallCopy> {
  checkFields("options", options, SMALL_COPY_FIELDS);
  checkCopyOptions(options);
  return (await import("./pack/keep-small-copy.ts")).keepSmallCopy(source, options);
}
