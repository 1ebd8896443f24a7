/**
 * The subjects of the benchmark of a published model: engines and forms of the weights, as addresses that the page
 * loads.
 */
import { LIBRARY_ADDRESS } from "../../tools/library-page.mjs";
import type { Served } from "../../tools/serve.mjs";
import { ensurePackages } from "../peers/install.ts";
import type { SubjectName } from "./options.mjs";

/** Paths of the model's forms. */
export interface ModelForms {
  /** The GGUF file. */
  gguf: string;
  /** Folders in Hugging Face's layout. */
  f16: string;
  q4: string;
}

export interface Subject {
  name: SubjectName;
  what: string;
  /** Address of the page's module. */
  page: string;
  /** Argument of its `load`, less the server's origin. */
  request(origin: string, kernels: boolean): Record<string, unknown>;
}

const FOVEA_PAGE = "/bench/fovea-page.mjs";
const WLLAMA_PAGE = "/bench/wllama-page.mjs";
const GGUF = "/gguf/model.gguf";

function fovea(name: SubjectName, what: string, address: string): Subject {
  const request = (origin: string, kernels: boolean) => ({
    library: LIBRARY_ADDRESS,
    model: `${origin}${address}`,
    kernels,
  });
  return { name, what, page: FOVEA_PAGE, request };
}

function wllama(name: SubjectName, what: string, webgpu: boolean): Subject {
  const request = (origin: string) => ({ package: "/wllama/", model: `${origin}${GGUF}`, webgpu });
  return { name, what, page: WLLAMA_PAGE, request };
}

export const ALL_SUBJECTS: readonly Subject[] = [
  fovea("fovea-gguf", "Fovea, GGUF Q4_1 as published", GGUF),
  fovea("fovea-q4", "Fovea, packed to q4", "/q4/"),
  fovea("fovea-f16", "Fovea, f16 safetensors", "/f16/"),
  wllama("wllama-wasm", "wllama, WebAssembly, the same GGUF", false),
  wllama("wllama-webgpu", "wllama, WebGPU, the same GGUF", true),
];

/** The server's files for them. */
export function servedFiles(forms: ModelForms, pages: (name: string) => string): Record<string, Served> {
  return {
    "/bench/fovea-page.mjs": { file: pages("fovea-page.mjs") },
    "/bench/wllama-page.mjs": { file: pages("wllama-page.mjs") },
    "/bench/kernel-times.mjs": { file: pages("kernel-times.mjs") },
    "/gguf/": { folder: forms.gguf },
    "/f16/": { folder: forms.f16 },
    "/q4/": { folder: forms.q4 },
    "/wllama/": { folder: `${ensurePackages("wllama")}/@wllama/wllama/esm` },
  };
}
