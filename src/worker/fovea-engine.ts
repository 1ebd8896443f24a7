/**
 * All that the worker's script starts, in a module that its later parts can import: a script must not be loaded twice.
 */
import type { Port, ToPage, ToWorker } from "./protocol.ts";
import { allowGrammarScript } from "./trusted-types.ts";
import { serve } from "./worker.ts";

export function start(): void {
  allowGrammarScript();
  serve(globalThis as unknown as Port<ToWorker, ToPage>);
}
