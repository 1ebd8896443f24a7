/** All benchmarks by name. */
import type { Match } from "../scorers/accepted.ts";
import type { Benchmark } from "./benchmark.ts";
import { folder } from "./folder.ts";
import { gqa } from "./gqa.ts";
import { mmbench } from "./mmbench.ts";
import { mme } from "./mme.ts";
import { pope } from "./pope.ts";
import { textvqa } from "./textvqa.ts";
import { vqav2 } from "./vqav2.ts";

/** @param match of the person's own questions */
export function benchmarks(match: Match = "words"): Benchmark[] {
  return [gqa, vqav2, textvqa, mme, mmbench, pope, folder(match)];
}
