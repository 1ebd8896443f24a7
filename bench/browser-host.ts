/**
 * A headless browser to measure in: serves the sources through Vite, and the peer's files and graphs. Its page is
 * cross-origin isolated, so that clocks are precise and WebAssembly has threads. Node only.
 */
import { createReadStream, existsSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import sirv from "sirv";
import { createServer, type Plugin, type ViteDevServer } from "vite";
import { type BenchBrowser, type LaunchFirefox, launch } from "./browsers.ts";
import type { InPageName } from "./in-page.ts";
import type { BrowserName } from "./options.mjs";
import type { PartResult, SizeName } from "./parts/result.ts";
import { VIT_ADDRESS } from "./parts/vision-subject.ts";
import { LLAMA_GRAPH, VIT_GRAPH } from "./peers/contenders.ts";
import { writeLlamaGraph, writeVitGraph } from "./peers/graphs.ts";
import { ensurePackages } from "./peers/install.ts";
import { ORT_ADDRESS } from "./peers/ort.ts";
import { SMOLVLM_ADDRESS, smolvlmFolder } from "./peers/smolvlm-folder.ts";
import { TRANSFORMERS_ADDRESS, TRANSFORMERS_ORT_ADDRESS } from "./peers/transformers-js.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Test data beside some checkouts; read in place. */
const vitFolder = fileURLToPath(new URL("../../shared/real/vit-tiny", import.meta.url));
const BLANK = "/bench-blank";
const ENTRY = "/bench/in-page.ts";
/** The page's global for its function, because Node cannot reach a module's exports. */
const GLOBAL = "fovea-bench";
/** transformers.js brings its own version. */
const TRANSFORMERS_ORT = "@huggingface/transformers/node_modules/onnxruntime-web";
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const TYPES: Record<string, string> = {
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
};

/** A browser with one page of the benchmark. `close` ends both and the server. */
export class BrowserHost {
  readonly #server: ViteDevServer;
  readonly #browser: BenchBrowser;
  readonly #size: SizeName | undefined;

  private constructor(server: ViteDevServer, browser: BenchBrowser, size: SizeName | undefined) {
    this.#server = server;
    this.#browser = browser;
    this.#size = size;
  }

  static async open(name: BrowserName, size: SizeName | undefined, launchFirefox: LaunchFirefox): Promise<BrowserHost> {
    const server = await createServer({
      root,
      configFile: false,
      appType: "mpa",
      logLevel: "error",
      cacheDir: `${root}node_modules/.vite/bench`,
      // Discovery is off, because a dependency found late reloads the page.
      optimizeDeps: { noDiscovery: true, include: [] },
      server: { port: 0, host: "localhost", headers: ISOLATED, hmr: false, watch: null, fs: { allow: [root] } },
      plugins: [peerFiles(size)],
    });
    await server.listen();
    try {
      return new BrowserHost(server, await launch(name, launchFirefox), size);
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Runs a part in a page of its own. Throws its error. */
  async run(name: InPageName, progress: (what: string) => void): Promise<PartResult> {
    if (name.startsWith("compare")) ensurePackages("peers");
    let onCrash = () => {};
    const crashed = new Promise<never>((_, reject) => {
      onCrash = () => reject(new Error(`${name}: the browser's page crashed`));
    });
    crashed.catch(() => {});
    const page = await this.#browser.newPage({ onInfo: progress, onCrash });
    try {
      const origin = `http://localhost:${this.#port}`;
      await page.goto(`${origin}${BLANK}`);
      // A script tag, because a passed function cannot import: Vite has rewritten its imports for Node.
      const content = `import { run } from "${ENTRY}"; window["${GLOBAL}"] = run;`;
      await page.addScriptTag({ type: "module", content });
      await page.evaluate(async (name) => {
        while (!Reflect.has(window, name)) await new Promise((resolve) => setTimeout(resolve, 20));
      }, GLOBAL);
      const vitAddress = existsSync(vitFolder) ? `${origin}${VIT_ADDRESS}` : undefined;
      const smolvlmAddress = smolvlmFolder() && `${origin}${SMOLVLM_ADDRESS}`;
      const options = { size: this.#size, vitFolder: vitAddress, smolvlmFolder: smolvlmAddress };
      const running = page.evaluate(
        async ({ global, name, options }): Promise<{ result?: PartResult; message?: string }> => {
          try {
            return { result: (await Reflect.get(window, global)(name, options)) as PartResult };
          } catch (error) {
            return { message: error instanceof Error ? error.message : String(error) };
          }
        },
        { global: GLOBAL, name, options },
      );
      const outcome = await Promise.race([running, crashed]);
      if (outcome.result) return outcome.result;
      throw new Error(`${name}: ${outcome.message}`);
    } finally {
      await page.close().catch(() => {});
    }
  }

  get #port(): number {
    const address = this.#server.httpServer?.address();
    if (typeof address !== "object" || !address) throw new Error("the server of the benchmark has no port");
    return address.port;
  }

  async close(): Promise<void> {
    await this.#browser.close().catch(() => {});
    await this.#server.close();
  }
}

/** Serves the empty page, the peer's scripts, the graphs, and the trained ViT where there is one. */
function peerFiles(size: SizeName | undefined): Plugin {
  const trained = size === "tiny" ? undefined : vitFolder;
  const graphs: Record<string, () => Uint8Array> = {
    [VIT_GRAPH]: () => writeVitGraph(trained, size === "tiny" ? 1 : undefined),
    [LLAMA_GRAPH]: writeLlamaGraph,
  };
  const folders: Record<string, () => string> = {
    [ORT_ADDRESS]: () => `${ensurePackages("peers")}/onnxruntime-web/dist/`,
    [TRANSFORMERS_ADDRESS]: () => `${ensurePackages("peers")}/@huggingface/transformers/dist/`,
    [TRANSFORMERS_ORT_ADDRESS]: () => `${ensurePackages("peers")}/${TRANSFORMERS_ORT}/dist/`,
    [VIT_ADDRESS]: () => `${vitFolder}/`,
  };
  return {
    name: "bench-files",
    configureServer(server) {
      const smolvlm = smolvlmFolder();
      if (smolvlm !== undefined) server.middlewares.use(SMOLVLM_ADDRESS, sirv(smolvlm, { dev: true }));
      server.middlewares.use((request, response, next) => {
        const path = (request.url ?? "").replace(/[?#].*$/s, "");
        const folder = Object.keys(folders).find((address) => path.startsWith(address));
        const name = path.slice(path.lastIndexOf("/") + 1);
        if (path === BLANK) answer(response, "text/html", "<!doctype html><title>bench</title>");
        else if (graphs[path]) answer(response, "application/octet-stream", graphs[path]());
        else if (folder) sendFile(response, `${folders[folder]!()}${name}`);
        else next();
      });
    },
  };
}

function head(type: string): Record<string, string> {
  return { ...ISOLATED, "Cross-Origin-Resource-Policy": "same-origin", "Content-Type": type };
}

function answer(response: ServerResponse, type: string, content: string | Uint8Array): void {
  response.writeHead(200, head(type)).end(content);
}

function sendFile(response: ServerResponse, file: string): void {
  if (!existsSync(file)) {
    response.writeHead(404, ISOLATED).end();
    return;
  }
  response.writeHead(200, head(TYPES[file.slice(file.lastIndexOf(".") + 1)] ?? "application/octet-stream"));
  createReadStream(file).pipe(response);
}
