/** Devices as many phones have them: WebGPU's smallest limits, no optional feature, no sign of a software adapter. */

/** The smallest values that WebGPU allows, of those that matter here. */
export const SMALL_LIMITS = {
  maxBufferSize: 256 << 20,
  maxStorageBufferBindingSize: 128 << 20,
  maxUniformBufferBindingSize: 64 << 10,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16 << 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxTextureDimension2D: 8192,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
};

/** Makes `navigator.gpu` give only such devices. Returns how to undo it. */
export function giveSmallDevices(gpu: GPU = navigator.gpu): () => void {
  const before = Object.getOwnPropertyDescriptor(gpu, "requestAdapter");
  const request = gpu.requestAdapter.bind(gpu);
  const requestAdapter: GPU["requestAdapter"] = async (options) => {
    const adapter = await request(options);
    return adapter && smallAdapter(adapter);
  };
  Object.defineProperty(gpu, "requestAdapter", { value: requestAdapter, configurable: true });
  return () => {
    if (before) Object.defineProperty(gpu, "requestAdapter", before);
    else Reflect.deleteProperty(gpu, "requestAdapter");
  };
}

function smallAdapter(adapter: GPUAdapter): GPUAdapter {
  const info = { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false };
  const requestDevice: GPUAdapter["requestDevice"] = async ({ label = "", requiredFeatures = [] } = {}) => {
    if ([...requiredFeatures].length > 0) throw new TypeError(`no such feature: ${[...requiredFeatures]}`);
    // Limits that are not requested have their smallest value, and the browser enforces it.
    const device = await adapter.requestDevice({ label });
    Object.defineProperty(device, "adapterInfo", { value: info, configurable: true });
    return device;
  };
  const changed: Partial<Record<PropertyKey, unknown>> = {
    features: new Set(),
    limits: SMALL_LIMITS,
    info,
    requestDevice,
  };
  return new Proxy(adapter, {
    get(target, name) {
      if (Object.hasOwn(changed, name)) return changed[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
