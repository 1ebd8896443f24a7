// npm run sweep: compression methods at several budgets on a person's own pictures. A short form of `npm run eval --
// --sweep --benchmark folder`.
import { asksForHelp, parseOptions, printHelp } from "./command-line.mjs";
import { run as runEval } from "./eval.mjs";

const HELP = `Compares compression methods at several budgets of image tokens on your own pictures.

  npm run sweep -- --images FOLDER --questions FILE --tokens 8,16,32,64

  --images FOLDER      the pictures
  --questions FILE     JSON lines of image, question and answers (default: the only .jsonl file in the folder)
  --tokens N,M         budgets in image tokens (default: 8 to 256, those below the model's own)
  --methods A,B        methods (default: vmtc,prune-last,prumerge,diverse,uniform,pool; a wrong name lists all)
  --inhibition R,S     largest shares of inhibited tokens (default: 0)
  --model SOURCE       the model (default: fovea-demo)
  --match words|exact  an accepted answer occurs in the answer (default), or is all of it
  --limit N            only N questions, spread evenly
  --out FOLDER         folder of answers and report (default: eval/out/folder)
  --help               prints this text

It writes sweep.md, sweep.svg and sweep.json. The same command resumes a run that was stopped. More options, and benchmarks:
npm run eval -- --help.
`;

const DEFINITIONS = /** @type {const} */ ({
  images: { type: "string" },
  questions: { type: "string" },
  tokens: { type: "string" },
  methods: { type: "string" },
  inhibition: { type: "string" },
  model: { type: "string" },
  match: { type: "string" },
  limit: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
});

/**
 * The same command for `npm run eval`. Throws an Error of one line for a wrong option.
 * @param {string[]} args
 */
export function evalArguments(args) {
  const { images, questions, help: _, ...others } = parseOptions(args, DEFINITIONS, "--tokens 8,16,32");
  if (images === undefined) throw new Error("--images is missing; pass the folder of your pictures");
  const named = Object.entries(others).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return ["--sweep", "--benchmark", "folder", "--data", questions ?? images, "--images", images, ...named];
}

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function run(args) {
  return asksForHelp(args) ? printHelp(HELP) : runEval(evalArguments(args));
}
