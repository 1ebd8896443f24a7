/** onnxruntime-web in the browser: its sessions on WebGPU and on WebAssembly. Its files are served by browser-host.ts. */

/** Where its files are served. */
export const ORT_ADDRESS = "/ort/";

/** The used part of its interface. */
interface OrtModule {
  env: {
    versions: { web?: string };
    wasm: { numThreads: number; wasmPaths: string };
    webgpu: { device: Promise<GPUDevice> | GPUDevice };
  };
  InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
  Tensor: new (type: string, data: ArrayBufferView | readonly bigint[], dims: readonly number[]) => OrtTensor;
}

export interface OrtTensor {
  data: ArrayBufferView;
  dispose(): void;
}

export interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** "webgpu-plain": on a device that hides its subgroups. */
export type Provider = "webgpu" | "webgpu-plain" | "wasm";

let loading: Promise<OrtModule> | undefined;

/** The module, with as many threads as the machine has. Throws if the page is not cross-origin isolated: it would have one. */
export function loadOrt(): Promise<OrtModule> {
  loading ??= (async () => {
    if (!crossOriginIsolated) throw new Error("the page is not cross-origin isolated");
    const address = `${ORT_ADDRESS}ort.webgpu.min.mjs`;
    const ort = (await import(/* @vite-ignore */ address)) as OrtModule;
    ort.env.wasm.wasmPaths = new URL(ORT_ADDRESS, location.href).href;
    ort.env.wasm.numThreads = navigator.hardwareConcurrency;
    return ort;
  })();
  return loading;
}

/** @param onGpu names of outputs that stay on the GPU */
export async function openSession(model: Uint8Array, provider: Provider, onGpu: string[] = []): Promise<OrtSession> {
  const ort = await loadOrt();
  const preferredOutputLocation = Object.fromEntries(onGpu.map((name) => [name, "gpu-buffer"]));
  const chosen = provider === "webgpu-plain" ? { name: "webgpu", device: await plainDevice() } : provider;
  return ort.InferenceSession.create(model, {
    executionProviders: [chosen],
    graphOptimizationLevel: "all",
    // Errors only, not the placement of nodes.
    logSeverityLevel: 3,
    ...(provider !== "wasm" && onGpu.length > 0 ? { preferredOutputLocation } : {}),
  });
}

/** A device without optional features, with the adapter's limits. */
async function plainDevice(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("no WebGPU adapter");
  const names = ["maxBufferSize", "maxStorageBufferBindingSize", "maxComputeWorkgroupStorageSize"] as const;
  const requiredLimits = Object.fromEntries(names.map((name) => [name, adapter.limits[name]]));
  return adapter.requestDevice({ label: "peer", requiredLimits });
}
