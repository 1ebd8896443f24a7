/** Compiled pipelines of one device: each variant once, asynchronously. Errors show the assembled source. */
import type { BindingAccess, Variant } from "./kernel.ts";
import { paramsByteLength } from "./kernel.ts";

export interface CompiledPipeline {
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** `params` are immediates; otherwise they are a uniform after the storage bindings. */
  readonly takesImmediates: boolean;
}

/** The declaration of parameters, the same in every shader. */
const PARAMS_DECLARATION = /^@group\(0\) @binding\([^)]*\) var<uniform> params/m;
/** Guaranteed size of immediates where WebGPU supports them: enough for every kernel's parameters. */
const IMMEDIATE_BYTES = 64;

const BUFFER_TYPES: Record<BindingAccess, GPUBufferBindingType> = { read: "read-only-storage", write: "storage" };

/** The source with line numbers, and each message of the compiler with its line and column. */
async function compileReport(module: GPUShaderModule, variant: Variant): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const found = messages.map((m) => `${m.type} at line ${m.lineNum}, column ${m.linePos}: ${m.message}`);
  const source = variant.code.split("\n").map((line, i) => `${String(i + 1).padStart(4)} | ${line}`);
  return [...found, "Assembled source:", ...source].join("\n");
}

/** The compiled pipelines of one device, shared by its engines. */
export class Pipelines {
  static readonly #ofDevice = new WeakMap<GPUDevice, Pipelines>();
  #device: GPUDevice;
  #ready = new Map<Variant, CompiledPipeline>();
  #compiling = new Map<Variant, Promise<CompiledPipeline>>();
  #lateCompiles = 0;
  #hasImmediates: boolean;

  private constructor(device: GPUDevice) {
    this.#device = device;
    const language = globalThis.navigator?.gpu?.wgslLanguageFeatures;
    this.#hasImmediates =
      (language?.has("immediate_address_space") ?? false) && device.limits.maxImmediateSize >= IMMEDIATE_BYTES;
  }

  /** The pipelines of this device. All engines on it share them, so a second model reuses those of the first. */
  static of(device: GPUDevice): Pipelines {
    const known = Pipelines.#ofDevice.get(device);
    if (known) return known;
    const pipelines = new Pipelines(device);
    Pipelines.#ofDevice.set(device, pipelines);
    return pipelines;
  }

  /** Number of variants that were compiled during work and blocked it. Tests keep it at zero. */
  get lateCompiles(): number {
    return this.#lateCompiles;
  }

  /**
   * Compiles the missing pipelines, one per hardware thread at a time: with more, an abandoned load would delay the next
   * one. The longest texts come first, because they take longest: none is left to a single thread at the end. Throws an Error
   * with the source if a shader does not compile.
   *
   * @param isWanted called before each compilation; false starts no more. Running compilations cannot be cancelled
   */
  async compile(variants: Iterable<Variant>, isWanted: () => boolean = () => true): Promise<void> {
    const waiting = [...variants].sort((a, b) => a.code.length - b.code.length);
    const work = async () => {
      while (waiting.length > 0 && isWanted()) await this.#compileOnce(waiting.pop()!);
    };
    const threads = globalThis.navigator?.hardwareConcurrency ?? 4;
    await Promise.all(Array.from({ length: threads }, work));
  }

  /** The pipeline. Compiles it now, blocking, if `compile` has not done so. */
  get(variant: Variant): CompiledPipeline {
    const ready = this.#ready.get(variant);
    if (ready) return ready;
    this.#lateCompiles++;
    const { descriptor, layout } = this.#describe(variant);
    return this.#keep(variant, this.#device.createComputePipeline(descriptor), layout);
  }

  #compileOnce(variant: Variant): Promise<CompiledPipeline> {
    const ready = this.#ready.get(variant);
    if (ready) return Promise.resolve(ready);
    let compiling = this.#compiling.get(variant);
    if (!compiling) {
      compiling = this.#compile(variant).finally(() => this.#compiling.delete(variant));
      this.#compiling.set(variant, compiling);
    }
    return compiling;
  }

  async #compile(variant: Variant): Promise<CompiledPipeline> {
    const { descriptor, layout, module } = this.#describe(variant);
    try {
      return this.#keep(variant, await this.#device.createComputePipelineAsync(descriptor), layout);
    } catch (cause) {
      const report = await compileReport(module, variant);
      throw new Error(`shader ${variant.label} does not compile: ${String(cause)}\n${report}`, { cause });
    }
  }

  #describe(variant: Variant) {
    const device = this.#device;
    const { kernel, label } = variant;
    const takesImmediates = this.#hasImmediates;
    const code = takesImmediates
      ? `requires immediate_address_space;\n${variant.code.replace(PARAMS_DECLARATION, "var<immediate> params")}`
      : variant.code;
    const module = device.createShaderModule({ label, code });
    const visibility = GPUShaderStage.COMPUTE;
    const storage = Object.values(kernel.bindings).map(
      (access, binding): GPUBindGroupLayoutEntry => ({ binding, visibility, buffer: { type: BUFFER_TYPES[access] } }),
    );
    // Without immediates, the parameters of all dispatches share one buffer, at dynamic offsets.
    const params: GPUBindGroupLayoutEntry = {
      binding: storage.length,
      visibility,
      buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: paramsByteLength(kernel.params) },
    };
    const layout = device.createBindGroupLayout({ label, entries: takesImmediates ? storage : [...storage, params] });
    const immediateSize = takesImmediates ? paramsByteLength(kernel.params) : 0;
    const descriptor: GPUComputePipelineDescriptor = {
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout], immediateSize }),
      compute: { module, entryPoint: "main" },
    };
    return { descriptor, layout, module };
  }

  #keep(variant: Variant, pipeline: GPUComputePipeline, layout: GPUBindGroupLayout): CompiledPipeline {
    const compiled = { id: this.#ready.size, pipeline, layout, takesImmediates: this.#hasImmediates };
    this.#ready.set(variant, compiled);
    return compiled;
  }
}
