/** Set up before whole models' tests on wgpu: `npm test -- wgpu`, which runs them in Deno. */
import { useSoftwareDriver } from "../../bench/provide-dawn.ts";
import { serve } from "../../tools/serve.mjs";
import { dataRoot } from "./shared.ts";

useSoftwareDriver();
if (!(await navigator.gpu.requestAdapter()))
  throw new Error("no adapter: on Debian, the package libvulkan1 is missing");

// Deno 2.9 panics when a device outlives what it was asked from.
const adapters: (GPUAdapter | null)[] = [];
const request = navigator.gpu.requestAdapter.bind(navigator.gpu);
navigator.gpu.requestAdapter = async (options) => {
  const adapter = await request(options);
  adapters.push(adapter);
  return adapter;
};

// Serves the data beside the checkout at the address that browser tests use.
const server = await serve({ [`/@fs${dataRoot}/`]: { folder: dataRoot } });
Object.assign(globalThis, { location: { origin: server.origin } });
