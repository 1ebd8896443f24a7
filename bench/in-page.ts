/** The part of `npm run bench` that runs in the browser: one part of the benchmark on a device of its own. */

import { compareDecoder, compareVision } from "./parts/compare.ts";
import { compareSmolvlm } from "./parts/compare-smolvlm.ts";
import { cost } from "./parts/cost.ts";
import { endurance } from "./parts/endurance.ts";
import { families } from "./parts/families.ts";
import { formats } from "./parts/formats.ts";
import { loadOf } from "./parts/load.ts";
import { PAGE_PARTS } from "./parts/page-parts.ts";
import { type Part, runPart } from "./parts/part.ts";
import type { PartResult, SizeName } from "./parts/result.ts";
import { reuseOf } from "./parts/reuse.ts";
import { views } from "./parts/views.ts";

/** The shipped model's address on Vite's server. */
const MODEL = "/fovea-demo/";

const PARTS = {
  ...PAGE_PARTS,
  cost,
  views,
  endurance,
  families,
  formats,
  load: (context) => loadOf(new URL(MODEL, location.href).href)(context),
  reuse: (context) => reuseOf(new URL(MODEL, location.href).href)(context),
  "compare-vision": compareVision,
  "compare-decoder": compareDecoder,
  "compare-smolvlm": compareSmolvlm,
  // Measures nothing; reports the adapter.
  adapter: async () => [],
} satisfies Record<string, Part>;

/** Names of the parts that run here. */
export type InPageName = keyof typeof PARTS;

/** Runs a part; the folders are addresses. */
export function run(
  name: InPageName,
  options: { size: SizeName | undefined; vitFolder: string | undefined; smolvlmFolder: string | undefined },
): Promise<PartResult> {
  return runPart(name, PARTS[name], { ...options, progress: (what) => console.info(what) });
}
