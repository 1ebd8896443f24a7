/** All benchmarks by name. */
import { BENCHMARKS } from "../benchmark-options.mjs";
import type { Match } from "../scorers/accepted.ts";
import type { Benchmark } from "./benchmark.ts";
import { folder } from "./folder.ts";
import { gqa } from "./gqa.ts";
import { mmbench } from "./mmbench.ts";
import { mme } from "./mme.ts";
import { pope } from "./pope.ts";
import { textvqa } from "./textvqa.ts";
import { vqav2 } from "./vqav2.ts";

export { readShipped, SHIPPED } from "./shipped.ts";

/** Throws an Error of one line for an unknown name. @param match of a person's own questions */
export function findBenchmark(name: string, match: Match = "words"): Benchmark {
  const found = [gqa, vqav2, textvqa, mme, mmbench, pope, folder(match)].find((one) => one.name === name);
  if (!found) throw new Error(`--benchmark: unknown "${name}"; choose from ${BENCHMARKS.join(", ")}`);
  return found;
}
