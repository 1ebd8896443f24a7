/**
 * One WebGPU device: requested features and limits, the arena, the pipelines, and submission. A lost device or a GPU
 * error becomes a typed error.
 */

/*
 * Differences between browsers that the tests found: Chromium 156 (Tint, on SwiftShader) and Firefox 153 (Naga, on
 * lavapipe).
 *
 *     Firefox                                         here                                   tested in
 *     all shaders compile as they are                 no work-around in any shader           kernels/*
 *     no feature subgroups, no builtin subgroup_id    sums through workgroup memory          kernels/*, "small"
 *     no address space for immediates                 one uniform buffer, dynamic offsets    gpu/params
 *     finished work is noticed on a timer of 100 ms   empty submits while one waits          gpu/polling
 *     an adapter without any name                     told apart by isFallbackAdapter        gpu/adapter
 *     bitmaps have alpha multiplied in                colours of opaque pixels are exact     gpu/picture
 *     half a JPEG or PNG is decoded, the rest white   image/ending.ts refuses it             image/decode
 *     an <img> with an SVG has a size always          taken as 300 x 150                     image/decode
 *     a canvas without a context has pixels           taken as blank                         image/decode
 */
import { disposedError, FoveaError } from "../errors.ts";
import { Arena } from "./arena.ts";
import { BindGroups } from "./bind-groups.ts";
import { lossWithin, onDeviceLoss } from "./device-loss.ts";
import type { Variant } from "./kernel.ts";
import { type Capabilities, ParamsSlab, Pass, type PassHost, type Recorder, Rehearsal } from "./pass.ts";
import { Pipelines } from "./pipelines.ts";
import { Polling } from "./polling.ts";
import type { Tensor } from "./tensor.ts";

/** Optional features, used where the adapter has them. */
const WANTED_FEATURES: GPUFeatureName[] = ["subgroups", "shader-f16", "timestamp-query"];

/** Limits raised to the adapter's; the standard's defaults (128 MiB a binding) are too small for real weights. */
const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Time in which a browser reports a lost device after the first failing command. */
const LOSS_TOLD_WITHIN_MS = 100;

/** A device with the adapter's features and limits; the caller destroys it. Throws FoveaError `no-webgpu`. */
export async function requestDevice(): Promise<GPUDevice> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu)
    throw new FoveaError(
      "no-webgpu",
      "this browser has no WebGPU (navigator.gpu is missing). Use a current Chrome, Edge, Safari or Firefox over https or localhost; in Firefox on Linux, set dom.webgpu.enabled to true in about:config",
    );
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(refuse);
  if (!adapter)
    throw new FoveaError(
      "no-webgpu",
      "WebGPU found no adapter: the GPU or its driver is blocked, or hardware acceleration is off. Turn it on in the browser's settings",
    );
  const requiredLimits = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ label: "fovea", requiredFeatures, requiredLimits }).catch(refuse);
  // Started early, so that opening does not wait for it.
  void Polling.of(device);
  return device;
}

function refuse(cause: unknown): never {
  throw new FoveaError(
    "no-webgpu",
    `the browser refused the GPU (${String(cause)}). Close other pages that use it, or restart the browser`,
    { cause },
  );
}

/** A device with its arena, pipelines and bind groups. Owns all of them. */
export class Gpu implements PassHost {
  readonly device: GPUDevice;
  readonly arena: Arena;
  readonly pipelines: Pipelines;
  readonly bindGroups: BindGroups;
  readonly params: ParamsSlab;
  readonly #polling: Polling;
  /** Kernels choose their variants by these; `prefer` adds measured ones. */
  capabilities: Capabilities;
  /** Vendor, architecture and description of the adapter, as far as the browser reveals them. */
  readonly adapterName: string;
  readonly #owned: boolean;
  readonly #forgetLoss: () => void;
  #failure: Error | undefined;
  #disposed = false;

  /**
   * Opens the given device, which the caller keeps, or an own one, which may already be requested (`own`). Throws
   * FoveaError `no-webgpu`.
   */
  static async open(device?: GPUDevice, own?: Promise<GPUDevice>): Promise<Gpu> {
    const opened = device ?? (await (own ?? requestDevice()));
    return new Gpu(opened, device === undefined, await Polling.of(opened));
  }

  private constructor(device: GPUDevice, owned: boolean, polling: Polling) {
    this.device = device;
    this.#owned = owned;
    this.#polling = polling;
    this.bindGroups = new BindGroups(device);
    this.pipelines = Pipelines.of(device);
    this.arena = new Arena({
      device,
      assertAlive: () => this.assertAlive(),
      onFree: (buffer) => this.bindGroups.forget(buffer),
    });
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    this.params = new ParamsSlab(
      this.arena.buffer("params", ParamsSlab.byteLength, usage),
      device.limits.minUniformBufferOffsetAlignment,
    );
    const language = globalThis.navigator?.gpu?.wgslLanguageFeatures;
    this.capabilities = {
      subgroups: device.features.has("subgroups") && (language?.has("subgroup_id") ?? false),
      software: device.adapterInfo?.isFallbackAdapter ?? false,
      f16: "none",
      fastest: {},
    };
    const { vendor = "", architecture = "", description = "" } = device.adapterInfo ?? {};
    this.adapterName = [vendor, architecture, description].filter(Boolean).join(" ") || "unknown adapter";
    device.addEventListener("uncapturederror", this.#onError);
    this.#forgetLoss = onDeviceLoss(device, ({ reason, message }) => {
      this.#failure = new FoveaError("device-lost", `the GPU device was lost (${reason || "unknown"}): ${message}`);
    });
  }

  /** Throws an earlier failure: FoveaError `disposed`, `device-lost` or `out-of-memory`, or an internal Error. */
  assertAlive(): void {
    if (this.#disposed) throw disposedError();
    if (this.#failure) throw this.#failure;
  }

  /**
   * The cause of an error: the loss of the device, if it was lost, or else the error itself. Commands on a lost device fail
   * in different ways, and shortly before the loss is reported.
   */
  async explain(error: unknown): Promise<unknown> {
    const isOurs = error instanceof FoveaError || error instanceof TypeError || error instanceof RangeError;
    if (isOurs || this.#disposed) return error;
    await lossWithin(this.device, LOSS_TOLD_WITHIN_MS);
    return this.#failure instanceof FoveaError && this.#failure.code === "device-lost" ? this.#failure : error;
  }

  /** Changes the capabilities for everything recorded from now on. */
  prefer(changes: Pick<Partial<Capabilities>, "f16" | "fastest">): void {
    this.capabilities = { ...this.capabilities, ...changes };
  }

  /** Compiles every pipeline that `body` will use, without running it. */
  async compile(body: (recorder: Recorder) => void): Promise<void> {
    const rehearsal = new Rehearsal(this.capabilities);
    body(rehearsal);
    await this.pipelines.compile(rehearsal.variants as Set<Variant>, () => !this.#disposed);
    this.assertAlive();
  }

  /** Compiles as `compile` does. Returns false, instead of throwing, if the device refuses a shader. */
  async canCompile(body: (recorder: Recorder) => void): Promise<boolean> {
    this.device.pushErrorScope("validation");
    const compiled = this.compile(body).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const refused = this.device.popErrorScope();
    const failed = await compiled;
    this.assertAlive();
    return (await refused) === null && failed === undefined;
  }

  /** Records `body` into one pass and submits it. Returns the number of dispatches and submits. */
  submit(label: string, body: (pass: Pass) => void): { dispatches: number; submits: number } {
    this.assertAlive();
    const pass = new Pass(this, label);
    body(pass);
    pass.submit();
    return pass.counts;
  }

  /** Fills a tensor's front with values. */
  upload(tensor: Tensor, values: Float32Array | Uint32Array | Int32Array | Uint8Array, byteOffset = 0): void {
    this.device.queue.writeBuffer(
      tensor.buffer,
      tensor.byteOffset + byteOffset,
      values.buffer as ArrayBuffer,
      values.byteOffset,
      values.byteLength,
    );
  }

  /** Waits for submitted work, while the device is polled; see polling.ts. Every wait for the GPU goes through here. */
  waitFor<T>(work: Promise<T>): Promise<T> {
    return this.#polling.during(work);
  }

  /** Waits for all submitted work; throws its first failure. */
  async idle(): Promise<void> {
    await this.waitFor(this.device.queue.onSubmittedWorkDone());
    this.assertAlive();
  }

  /**
   * Runs `body`, which allocates, and checks that the device had the memory. Throws FoveaError `out-of-memory` with `what`.
   * `body` is synchronous because error scopes are a stack.
   */
  async guardMemory<T>(what: string, body: () => T): Promise<T> {
    this.assertAlive();
    this.device.pushErrorScope("out-of-memory");
    let result: T;
    let scope: Promise<GPUError | null>;
    try {
      result = body();
    } finally {
      scope = this.device.popErrorScope();
    }
    const error = await scope;
    if (error)
      throw new FoveaError(
        "out-of-memory",
        `${what}: not enough GPU memory besides the ${this.arena.bytes} bytes in use: ${error.message}. Close other pages, or use a smaller model`,
      );
    return result;
  }

  /** Frees all memory, and destroys an own device. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.device.removeEventListener("uncapturederror", this.#onError);
    this.#forgetLoss();
    this.arena.dispose();
    if (this.#owned) this.device.destroy();
  }

  #onError = (event: Event): void => {
    const { error } = event as GPUUncapturedErrorEvent;
    this.#failure ??=
      error instanceof GPUOutOfMemoryError
        ? new FoveaError("out-of-memory", `the GPU ran out of memory: ${error.message}`)
        : new Error(`Fovea internal error: the GPU refused a command: ${error.message}`);
  };
}
