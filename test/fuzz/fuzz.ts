/** Runs the readers of untrusted bytes on mutated inputs, and reports their rate, their worst time and their faults. */
import { FoveaError } from "../../src/errors.ts";
import { Random } from "../support/random.ts";
import { READERS, type Reader } from "./readers.ts";

/** Processor time for one input. Readers take milliseconds; a machine under load and the compiler take the rest. */
const MAX_INPUT_MS = 2000;
/** Longest message of an error: what untrusted text it quotes is cut. */
const MAX_MESSAGE = 1100;

export interface Outcome {
  reader: string;
  inputs: number;
  refused: number;
  inputsPerSecond: number;
  worstMs: number;
  /** What went wrong, with the input's number. */
  faults: string[];
}

export interface FuzzOptions {
  seconds: number;
  seed: number;
  /** Name of one reader; default: all of them. */
  only?: string | undefined;
}

/** Gives each reader its share of the time. Throws for a name that is no reader's. */
export async function fuzz({ seconds, seed, only }: FuzzOptions): Promise<Outcome[]> {
  const readers = READERS.filter(({ name }) => only === undefined || name === only);
  if (readers.length === 0)
    throw new Error(`no reader ${only}; there are ${READERS.map(({ name }) => name).join(", ")}`);
  const outcomes: Outcome[] = [];
  for (const reader of readers) outcomes.push(await run(reader, (1000 * seconds) / readers.length, seed));
  return outcomes;
}

async function run(reader: Reader, milliseconds: number, seed: number): Promise<Outcome> {
  const start = performance.now();
  const outcome: Outcome = { reader: reader.name, inputs: 0, refused: 0, inputsPerSecond: 0, worstMs: 0, faults: [] };
  while (performance.now() - start < milliseconds) {
    // Each input has its own generator: a fault is repeated by its number, without the inputs before it.
    const random = new Random(seed + outcome.inputs);
    const started = process.cpuUsage();
    try {
      await reader.read(random);
    } catch (error) {
      outcome.refused++;
      const fault = faultOf(error, reader);
      if (fault) outcome.faults.push(`${reader.name}, seed ${seed + outcome.inputs}: ${fault}`);
    }
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1000;
    outcome.worstMs = Math.max(outcome.worstMs, took);
    if (took > MAX_INPUT_MS)
      outcome.faults.push(`${reader.name}, seed ${seed + outcome.inputs}: ${took.toFixed(0)} ms of processor time`);
    outcome.inputs++;
  }
  outcome.inputsPerSecond = (1000 * outcome.inputs) / (performance.now() - start);
  return outcome;
}

/** Undefined for a proper refusal: an error of the documented kinds with a message of readable length. */
function faultOf(error: unknown, { refusesBy = [] }: Reader): string | undefined {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const isBare =
    /call stack|Invalid (array|string|typed)|Array buffer allocation|is not a function|undefined|internal error/;
  const isProper = error instanceof FoveaError || refusesBy.some((kind) => error instanceof kind);
  if (!isProper || (!(error instanceof FoveaError) && isBare.test(error.message)))
    return `${error.name}: ${error.message.slice(0, 200)} ${(error.stack ?? "")
      .split("\n")
      .find((line) => line.includes("src/"))
      ?.trim()}`;
  return error.message.length > MAX_MESSAGE ? `a message of ${error.message.length} characters` : undefined;
}

/** One line a reader. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ reader, inputs, refused, inputsPerSecond, worstMs, faults }) => [
    reader,
    String(inputs),
    `${((100 * refused) / Math.max(1, inputs)).toFixed(0)} %`,
    inputsPerSecond.toFixed(0),
    worstMs.toFixed(0),
    String(faults.length),
  ]);
  const all = [["reader", "inputs", "refused", "inputs/s", "worst ms", "faults"], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "))
    .join("\n");
}
