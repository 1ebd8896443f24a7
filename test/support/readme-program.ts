/** The program of the README, for tests that bundle and run it. Node only. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { projectRoot } from "./command.ts";

/** A scene that the program asks about, and what its answer holds. */
export const picture = join(projectRoot, "public/samples/harbour.webp");
export const ANSWER = /sailboat|boat|ship|anchor/i;

/**
 * The program for a page that has the picture at "/picture.webp". It writes " - done" after the answer.
 *
 * @param change of its text, without the imports
 */
export function readmeProgram(change = (text: string) => text): string {
  const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
  const program = /```ts\n(.*?)```/s.exec(readme)![1]!.replace(/^import .*$/m, "");
  expect(program).toContain('Fovea.load("fovea-demo"');
  return `import { Fovea } from "fovea";
const file = await (await fetch("/picture.webp")).blob();
${change(program)}
document.body.append(" - done");`;
}

/** The same in a worker. */
export function inWorker(program: string): string {
  return program
    .replace("{ Fovea }", "{ createFovea }")
    .replace('from "fovea"', 'from "fovea/worker"')
    .replace("Fovea.load(", "createFovea(");
}

/** The same, with an error's message in place of an answer. */
export function withErrors(program: string): string {
  const [imports, ...rest] = program.split("\n");
  return `${imports}\ntry {${rest.join("\n")}} catch (error) { document.body.append(error.message, " - done"); }`;
}
