/** The grammar worker's script: answers calls with masks. WebAssembly runs here only. */
import { FormatError } from "./ebnf.ts";
import { Matcher } from "./matcher.ts";
import { measureProcessor } from "./processor-time.ts";
import type { FromGrammar, GrammarStep, ToGrammar } from "./protocol.ts";

/** The needed part of a worker's global scope. */
interface Scope {
  postMessage(message: FromGrammar, options: { transfer: Transferable[] }): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToGrammar>) => void): void;
}

const scope = globalThis as unknown as Scope;
let matcher: Matcher | undefined;
let last: Promise<unknown> = Promise.resolve();
/** Text that the library printed before it aborted: its only message. */
let printed = "";
console.error = (...parts: unknown[]) => {
  printed = `${printed}${parts.join(" ")}\n`.slice(-2000);
};

scope.addEventListener("message", ({ data }) => {
  if (data.type === "yardstick")
    return measureProcessor((ms) => post({ call: data.call, type: "worked", milliseconds: ms }));
  last = last.then(() => serve(data));
});

function post(message: FromGrammar, transfer: Transferable[] = []): void {
  scope.postMessage(message, { transfer });
}

async function serve(message: ToGrammar): Promise<void> {
  const { call } = message;
  try {
    const step = await run(message);
    post({ call, type: "step", step }, step ? [step.mask.buffer] : []);
  } catch (error) {
    const isBroken = !(error instanceof FormatError);
    const isFormat = !isBroken || printed !== "" || error instanceof RangeError;
    post({ call, type: "failure", message: reasonOf(error), isFormat, isBroken });
  }
}

async function run(message: ToGrammar): Promise<GrammarStep | undefined> {
  printed = "";
  switch (message.type) {
    case "vocabulary":
      matcher = await Matcher.create(await loadLibrary(), message.vocabulary);
      return undefined;
    case "begin":
      return matcher!.begin(message.source);
    case "accept":
      return matcher!.accept(message.id);
    default:
      return undefined;
  }
}

/** The package is a script for all kinds of module systems: as a module, it leaves its exports in a global variable. */
async function loadLibrary(): Promise<typeof import("@mlc-ai/web-xgrammar")> {
  const module = await import("@mlc-ai/web-xgrammar");
  if ("Grammar" in module) return module;
  const { default: exported } = module as { default?: typeof module };
  return exported && "Grammar" in exported ? exported : (globalThis as unknown as { xgrammar: typeof module }).xgrammar;
}

function reasonOf(error: unknown): string {
  // As "[FATAL] /folder/file.cc:12: Check failed: (x) is false: the reason".
  const fatal = /\[FATAL\] [^\n]*?\.cc:\d+: (?:Check failed: \(.*?\) is false: )?([^\n]*)/.exec(printed);
  if (fatal?.[1]) return fatal[1];
  if (error instanceof RangeError) return "it nests too deeply";
  return error instanceof Error ? error.message : String(error);
}
