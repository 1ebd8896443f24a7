/** Every shader has its wrapper, reference and test, and its bindings and parameters are those that the wrapper tells. */
import { expect, test, vi } from "vitest";
import { type Bindings, type KernelDefinition, type Params, shaderText } from "../src/gpu/kernel.ts";
import { SOFTWARE } from "../src/kernels/software.ts";
import { filesBelow, importsOf, readSource } from "./support/sources.ts";

/** Shaders that stand behind another kernel's wrapper: a second way to the same result, or the second half of it. */
const SHARED_WRAPPERS: Record<string, string> = {
  "matmul-quad": "matmul",
  "attention-quad": "attention",
  "attention-decode-combine": "attention-decode",
  "attention-decode-quad": "attention-decode",
  "importance-quad": "importance",
};

/** Kernels whose reference is another's: the same function for one row, or the second of the two that they do at once. */
const SHARED_REFERENCES: Record<string, string> = {
  "attention-decode": "attention",
  "attention-logits": "attention",
  "row-mean": "head-mean",
  qkv: "rope",
};

/** Most storage buffers that WebGPU grants everywhere. */
const MAX_STORAGE_BINDINGS = 8;

type AnyDefinition = KernelDefinition<Bindings, Params>;

const definitions = vi.hoisted(() => [] as AnyDefinition[]);
vi.mock("../src/gpu/kernel.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../src/gpu/kernel.ts")>();
  class RecordedKernel extends original.Kernel {
    constructor(definition: ConstructorParameters<typeof original.Kernel>[0]) {
      super(definition);
      definitions.push(definition as AnyDefinition);
    }
  }
  return { ...original, Kernel: RecordedKernel };
});
// Kernels are constants of their modules, so that loading these makes all of them.
import.meta.glob("../src/kernels/*.ts", { eager: true });
await SOFTWARE.load();

const shaders = filesBelow("shaders")
  .filter((file) => /^shaders\/[^/]+\.wgsl$/.test(file))
  .map((file) => file.replace(/^shaders\/|\.wgsl$/g, ""));

test("there are shaders and wrappers to compare", () => {
  expect(shaders.length).toBeGreaterThan(20);
  expect(definitions.length).toBeGreaterThanOrEqual(shaders.length);
});

test.for(shaders)("%s has its files", (name) => {
  const owner = SHARED_WRAPPERS[name] ?? name;
  const files = new Set(["src", "test"].flatMap(filesBelow));
  const reference = SHARED_REFERENCES[owner] ?? owner;
  const wanted = [`src/kernels/${owner}.ts`, `test/reference/${reference}.ts`, `test/kernels/${owner}.gpu.test.ts`];
  expect(wanted.filter((file) => !files.has(file))).toEqual([]);
  const importers = [`src/kernels/${owner}.ts`, "src/kernels/software-shaders.ts"];
  expect(importers.flatMap(importsOf).map(({ path }) => path)).toContain(`shaders/${name}.wgsl`);
});

test("no entry stands for a shader that is gone", () => {
  expect(Object.keys(SHARED_WRAPPERS).filter((name) => !shaders.includes(name))).toEqual([]);
});

test.for(shaders)("%s agrees with its wrapper on bindings and parameters", (name) => {
  const text = readSource(`shaders/${name}.wgsl`);
  const kernels = definitions.filter((definition) => shaderText(definition) === text);
  expect(kernels.length, "kernels made of this shader").toBeGreaterThan(0);
  for (const { name: label, bindings, params } of kernels) {
    expect(label).toBe(name);
    expect(parseParams(text)).toEqual(Object.entries(params));
    expect(parseBindings(text, "logSumExp" in bindings)).toEqual(Object.entries(bindings));
    expect(Object.keys(bindings).length).toBeLessThanOrEqual(MAX_STORAGE_BINDINGS);
  }
});

test("libraries have neither bindings nor entry points", () => {
  const wrong = filesBelow("shaders/lib").filter((file) => /@(binding|group|compute)\b/.test(bare(readSource(file))));
  expect(wrong).toEqual([]);
});

test.for(shaders)("%s names its bindings and parameters in camelCase, as TypeScript does", (name) => {
  const text = readSource(`shaders/${name}.wgsl`);
  const names = [...parseParams(text), ...parseBindings(text, false)].map(([own]) => own);
  expect(names.filter((own) => own.includes("_"))).toEqual([]);
});

/** WGSL without comments. */
function bare(text: string): string {
  return text.replace(/\/\/.*$/gm, "");
}

/** Members of `struct Params`: [name, type]. */
function parseParams(text: string): [string, string][] {
  const [, body = ""] = /\bstruct Params \{([^}]*)\}/.exec(bare(text)) ?? [];
  return [...body.matchAll(/(\w+): (\w+),/g)].map(([, name, type]) => [name!, type!]);
}

/**
 * Storage bindings in the order of their numbers: [name, access]. Checks that `params` is the uniform behind the last,
 * and that each storage binding says its shape.
 *
 * @param withLogSumExp for kernels with an optional last output, whether it is there
 */
function parseBindings(text: string, withLogSumExp: boolean): [string, string][] {
  const line = /^@group\(0\) @binding\(([^)]+)\) var<([^>]+)> (\w+): ([^;]+);(.*)$/gm;
  const all = [...text.matchAll(line)].map(([, number, space, name, type, comment]) => ({
    number: number!.split("+").reduce((sum, term) => sum + termValue(term.trim(), withLogSumExp), 0),
    access: { "storage, read": "read", "storage, read_write": "write", uniform: "params" }[space!] ?? space!,
    name: name!,
    type: type!,
    comment: comment!,
  }));
  expect(all.length, "bindings, each on a line of its own").toBe(bare(text).match(/@binding\(/g)?.length ?? 0);
  const used = all.filter(({ name }) => withLogSumExp || name !== "logSumExp" || !text.includes("LOG_SUM_EXP"));
  used.sort((a, b) => a.number - b.number);
  expect(used.map(({ number }) => number)).toEqual(used.map((_, index) => index));
  expect(used.at(-1)).toMatchObject({ name: "params", type: "Params", access: "params" });
  const storage = used.slice(0, -1);
  for (const { name, comment } of storage) expect(comment, `shape of ${name}`).toMatch(/^ \/\/ .*\[.*\]/);
  return storage.map(({ name, access }) => [name, access]);
}

function termValue(term: string, withLogSumExp: boolean): number {
  if (term === "LOG_SUM_EXP") return Number(withLogSumExp);
  const [, digits] = /^(\d+)u?$/.exec(term) ?? [];
  if (digits === undefined) throw new Error(`binding number ${term} is not understood by this test`);
  return Number(digits);
}
