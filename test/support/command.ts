/** Runs a command of the project as a terminal does, and keeps what it says. For end-to-end tests; Node only. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

export interface Outcome {
  /** The exit status, or null if a signal ended the process. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Pieces in which standard output came. */
  chunks: string[];
}

export interface Running {
  process: ChildProcess;
  /** Resolves with the match once standard output matches; rejects if the process ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<Outcome>;
}

/** Starts `npm run NAME -- ARGS`, without npm. @param root of the checkout */
export function startCommand(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
  root = projectRoot,
): Running {
  const child = spawn(process.execPath, [`${root}/tools/run.mjs`, name, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const outcome: Outcome = { code: null, stdout: "", stderr: "", chunks: [] };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    outcome.stdout += chunk;
    outcome.chunks.push(chunk);
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    outcome.stderr += chunk;
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...outcome, code }));
  });
  const said = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(outcome.stdout);
        if (match) resolve(match);
      };
      look();
      child.stdout.on("data", look);
      void ended.then(({ stderr }) => reject(new Error(`${name} ended before it said ${pattern}: ${stderr}`)), reject);
    });
  return { process: child, said, ended };
}

/** Runs a command to its end. */
export function runCommand(...command: Parameters<typeof startCommand>): Promise<Outcome> {
  return startCommand(...command).ended;
}
