// npm run fuzz: mutated inputs for all readers of untrusted bytes; prints their rates, worst times and faults.
import { asksForHelp, printHelp } from "./command-line.mjs";
import { importTypeScript } from "./typescript.mjs";

const HELP = `Feeds mutated inputs to all readers of untrusted bytes, and reports inputs per second, the worst time and faults.

  npm run fuzz -- [OPTIONS]

  --seconds N      time for all readers together (default 60)
  --seed N         repeats a run; a fault prints the seed of its input (default: a fresh one)
  --only NAME      one reader
  --help           prints this text
`;

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const options = parseOptions(args);
  /** @type {typeof import("../test/fuzz/fuzz.ts")} */
  const { fuzz, table } = await importTypeScript("test/fuzz/fuzz.ts");
  const outcomes = await fuzz(options);
  console.log(`seed ${options.seed}\n${table(outcomes)}`);
  const faults = outcomes.flatMap((outcome) => outcome.faults);
  for (const { faults } of outcomes) for (const fault of faults.slice(0, 10)) console.log(fault);
  return faults.length > 0 ? 1 : 0;
}

/** @param {string[]} args */
function parseOptions(args) {
  /** @type {{ seconds: number, seed: number, only: string | undefined }} */
  const options = { seconds: 60, seed: Math.floor(Math.random() * 2 ** 31), only: undefined };
  for (let i = 0; i < args.length; i += 2) {
    const [name, value] = [args[i], args[i + 1]];
    if (name === "--only" && value !== undefined) options.only = value;
    else if ((name === "--seconds" || name === "--seed") && /^\d{1,10}$/.test(value ?? ""))
      options[name === "--seconds" ? "seconds" : "seed"] = Number(value);
    else throw new Error(`unexpected ${name}${value === undefined ? "" : ` ${value}`}; see npm run fuzz -- --help`);
  }
  return options;
}
