/**
 * Kernels: WGSL text plus a variant's constants make the code of a pipeline (compiled in pipelines.ts). Variants differ
 * only by `const` lines before the text and by their libraries; the text is never edited. `override` is rejected: it
 * cannot size function-scope arrays, and one mechanism is enough.
 */
import { assert } from "../shared/assert.ts";

/** A scalar of the uniform block `Params`. */
export type ParamType = "u32" | "i32" | "f32";

/** "read" is `var<storage, read>`, "write" is `var<storage, read_write>`. */
export type BindingAccess = "read" | "write";

export type Bindings = Readonly<Record<string, BindingAccess>>;
export type Params = Readonly<Record<string, ParamType>>;

export interface KernelDefinition<B extends Bindings, P extends Params> {
  /** Name of the shader's file, without `.wgsl`. */
  name: string;
  /** Text of `shaders/NAME.wgsl`: one complete entry point called `main`. A function if the text loads late. */
  shader: string | (() => string);
  /** Storage bindings in the order of their `@binding` numbers; `params` comes after the last. */
  bindings: B;
  /** Members of `struct Params` in order: scalars only. */
  params: P;
}

/** Text before the shader's text that makes a variant. */
export interface VariantOptions {
  /** Texts of `shaders/lib/*.wgsl`, and a key that identifies the choice in labels and caches. */
  libs?: { key: string; texts: readonly string[] };
  /** `const NAME: u32 = value;` lines. */
  constants?: Readonly<Record<string, number>>;
  /** WGSL extensions that the libraries need; each is also a device feature. */
  enables?: readonly string[];
  /** WGSL language features that the libraries need. */
  requires?: readonly string[];
}

/** The code of one pipeline. */
export interface Variant<B extends Bindings = Bindings, P extends Params = Params> {
  readonly kernel: Kernel<B, P>;
  /** Kernel, library choice and constants: the key of every cache, and the label in messages. */
  readonly label: string;
  readonly code: string;
}

/** A shader with its bindings and parameters. Holds no device objects, so it can be a module's constant. */
export class Kernel<B extends Bindings = Bindings, P extends Params = Params> {
  readonly name: string;
  readonly bindings: B;
  readonly params: P;
  readonly #shader: string | (() => string);
  readonly #variants = new Map<string, Variant<B, P>>();

  constructor(definition: KernelDefinition<B, P>) {
    this.name = definition.name;
    this.bindings = definition.bindings;
    this.params = definition.params;
    this.#shader = definition.shader;
  }

  /** The variant for these options; always the same object. */
  variant({ libs, constants = {}, enables = [], requires = [] }: VariantOptions = {}): Variant<B, P> {
    const label = [this.name, libs?.key, ...Object.entries(constants).map(([name, value]) => `${name}=${value}`)]
      .filter(Boolean)
      .join(" ");
    const known = this.#variants.get(label);
    if (known) return known;
    for (const [name, value] of Object.entries(constants))
      assert(Number.isInteger(value) && value >= 0, `constant ${name}=${value} of ${this.name} is not a u32`);
    const code = [
      ...enables.map((name) => `enable ${name};`),
      ...requires.map((name) => `requires ${name};`),
      ...Object.entries(constants).map(([name, value]) => `const ${name}: u32 = ${value}u;`),
      ...(libs?.texts ?? []),
      shaderText({ shader: this.#shader }),
    ].join("\n");
    const variant: Variant<B, P> = { kernel: this, label, code };
    this.#variants.set(label, variant);
    return variant;
  }
}

/** The shader's text. Throws an Error if it loads late and is not there. */
export function shaderText({ shader }: Pick<KernelDefinition<Bindings, Params>, "shader">): string {
  return typeof shader === "string" ? shader : shader();
}

/** Bytes of `Params` in the uniform block, a multiple of 16. */
export function paramsByteLength(params: Params): number {
  return Math.max(16, Math.ceil(Object.keys(params).length / 4) * 16);
}

/** Writes `values` into `target` at `byteOffset`, in the order and with the types of `params`. */
export function writeParams(
  params: Params,
  values: Readonly<Record<string, number>>,
  target: DataView,
  byteOffset: number,
) {
  let at = byteOffset;
  for (const [name, type] of Object.entries(params)) {
    const value = values[name] as number;
    if (type === "f32") target.setFloat32(at, value, true);
    else if (type === "u32") target.setUint32(at, value, true);
    else target.setInt32(at, value, true);
    at += 4;
  }
}
