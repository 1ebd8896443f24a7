import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import type { BrowserConfigOptions } from "vitest/node";
import { chromiumProvider } from "./test/support/chromium-provider.ts";
import type { ExpectedDevice } from "./test/support/device.ts";
import { firefoxProvider } from "./test/support/firefox-provider.ts";
import { markdownReader, oneStart, shaderText } from "./tools/bundle-plugins.mjs";
import { BROWSERS_AT_ONCE, CHROMIUM_DEVICE, CHROMIUM_FLAGS, findChromium } from "./tools/chromium.mjs";
import { FIREFOX_DEVICE } from "./tools/firefox.mjs";

// The site, and the test projects. The library is built by tools/library.mjs.

// Reference data beside the checkout, which tests read in place.
const sharedRoot = fileURLToPath(new URL("../shared", import.meta.url));
const projectRoot = fileURLToPath(new URL(".", import.meta.url)).replace(/[\\/]$/, "");

const SMALL_DEVICE_TEST = "test/engine/small-device.gpu.test.ts";
/** Every kernel, what pictures go through, and whole models: those of the paper in all settings, and one with tiles. */
const FIREFOX_TESTS = [
  "test/kernels/**/*.gpu.test.ts",
  "test/gpu/*.gpu.test.ts",
  "test/image/*.gpu.test.ts",
  "test/model/encoder/preprocess.gpu.test.ts",
  "test/{engine,families}/golden.gpu.test.ts",
  "test/engine/f16.gpu.test.ts",
  "test/worker/formats.gpu.test.ts",
  "test/video/*.gpu.test.ts",
  SMALL_DEVICE_TEST,
];
const END_TO_END_TESTS = "test/e2e/**/*.e2e.test.ts";
const TIMED_TESTS = ["hostile-tabs", "worker"].map((name) => `test/e2e/${name}.e2e.test.ts`);
const SMALL_DEVICE: ExpectedDevice = { ...FIREFOX_DEVICE, software: false, f16: false };
const FIREFOX_FAMILIES = ["smolvlm-s4-tags-bf16"];

export default defineConfig(({ command }) => ({
  // Relative, so that the built site works in whatever folder of a server it is put.
  base: command === "build" ? "./" : "/",
  // Without the fall-back of single-page applications: a missing file is a 404, not the page.
  appType: "mpa",
  build: {
    outDir: "dist/site",
    target: "es2022",
    // `npm run build` has limits of its own, of bytes after brotli.
    chunkSizeWarningLimit: Number.POSITIVE_INFINITY,
    rolldownOptions: { input: ["index.html", "bench.html"] },
  },
  // Modules, as in the pages themselves.
  worker: {
    format: "es",
    plugins: () => (command === "build" ? [shaderText(), oneStart()] : []),
  },
  plugins:
    command === "build"
      ? [
          shaderText(),
          markdownReader(),
          oneStart("/index.html"),
          // Loaded for builds only, as it builds by itself.
          import("./tools/offline-app.mjs").then(({ offlineApp }) => offlineApp()),
        ]
      : [],
  // What is built beside a running test or page is nothing to reload for.
  server: { fs: { allow: [".", "../shared"] }, watch: { ignored: ["**/dist/**"] } },
  define: {
    // From the folder of the built scripts, or from src/shared, to the known models' folders.
    "import.meta.env.VITE_MODELS_PATH": JSON.stringify(command === "build" ? "../" : "../../public/"),
    "import.meta.env.VITE_DEVICE": deviceText(CHROMIUM_DEVICE),
    "import.meta.env.VITE_SHARED_ROOT": JSON.stringify(existsSync(sharedRoot) ? sharedRoot : ""),
    "import.meta.env.VITE_FAMILY_FOLDERS": JSON.stringify(JSON.stringify(familyFolders())),
    "import.meta.env.VITE_PAIR_FOLDERS": JSON.stringify(JSON.stringify(familyFolders(undefined, "pairs"))),
    "import.meta.env.VITE_FORMAT_FOLDERS": JSON.stringify(JSON.stringify(formatFolders())),
    "import.meta.env.VITE_PROJECT_ROOT": JSON.stringify(projectRoot),
  },
  test: {
    // Of all projects: a browser that starts on a busy machine.
    browser: { connectTimeout: 300_000 },
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.{gpu,e2e,long,long-node,bundlers}.test.ts"],
          // Vitest's default leaves a core free, which is half of two.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          // Those that read every source take a second on an idle machine, and more than the default of five on a busy one.
          testTimeout: 30_000,
        },
      },
      // Drives the built product from outside. Such tests wait for servers and pages, so that two files at once take half of
      // the time; those that hold a clock run alone, after the others.
      endToEndProject("e2e", { include: [END_TO_END_TESTS], exclude: TIMED_TESTS, maxWorkers: 2 }),
      endToEndProject("e2e-timed", { include: TIMED_TESTS, fileParallelism: false }),
      // `npm run test:bundlers`: needs packages that the tests do without.
      {
        extends: true,
        test: {
          name: "bundlers",
          environment: "node",
          include: ["test/**/*.bundlers.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      browserProject("gpu", ["test/**/*.gpu.test.ts"], chromium(command), [SMALL_DEVICE_TEST]),
      // A second compiler of WGSL, and a device with f16 and without subgroups.
      firefoxProject("firefox", FIREFOX_DEVICE),
      // `npm test -- small`: the same on devices as phones have them.
      firefoxProject("small", SMALL_DEVICE, ["test/support/small.ts"]),
      // `npm test -- long`: what takes too long for every run.
      browserProject("long", ["test/**/*.long.test.ts"], chromium(command)),
      {
        extends: true,
        test: {
          name: "long-node",
          environment: "node",
          include: ["test/**/*.long-node.test.ts"],
          testTimeout: 300_000,
        },
      },
      // Not part of the tests, for they need packages that those do without: the kernels on Dawn; whole models on wgpu, which
      // is Firefox's WebGPU, in Deno. That has no subgroups, which kernels' tests ask for.
      browserlessProject("dawn", "test/kernels/**/*.gpu.test.ts"),
      browserlessProject("wgpu", "test/engine/{golden,stories}.gpu.test.ts"),
    ],
  },
}));

/**
 * Folder -> family of the golden families that have prompts, or that have pairs of pictures and texts: those of ../shared, or
 * else the part of them that is in the repository.
 */
function familyFolders(only?: string[], has: "prompts" | "pairs" = "prompts"): Record<string, string> {
  const shared = join(sharedRoot, "golden/families");
  const root = existsSync(shared) ? shared : join(projectRoot, "test/golden/families");
  const names = only ?? (existsSync(root) ? readdirSync(root) : []);
  const cases = names
    .map((name) => [name, join(root, name, "case.json")] as const)
    .filter(([, file]) => existsSync(file));
  const described = cases.map(([name, file]) => [name, JSON.parse(readFileSync(file, "utf8"))] as const);
  const isAsked = (found: Record<string, object | undefined>) => Object.keys(found[has] ?? {}).length > 0;
  return Object.fromEntries(
    described.filter(([, found]) => isAsked(found)).map(([name, { family }]) => [name, family as string]),
  );
}

/** Folders of the golden packed checkpoints. */
function formatFolders(): string[] {
  const root = join(sharedRoot, "golden/formats");
  return (existsSync(root) ? readdirSync(root) : []).filter((name) => existsSync(join(root, name, "case.json"))).sort();
}

function endToEndProject(
  name: string,
  files: Pick<
    NonNullable<TestProjectInlineConfiguration["test"]>,
    "include" | "exclude" | "maxWorkers" | "fileParallelism"
  >,
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      ...files,
      name,
      environment: "node",
      globalSetup: "test/support/built-product.ts",
      testTimeout: 300_000,
      hookTimeout: 300_000,
      // Another file may be loading a model.
      expect: { poll: { timeout: 20_000 } },
      sequence: { groupOrder: files.maxWorkers ? 1 : 0 },
    },
  };
}

/** A test project without a browser, with the WebGPU that test/support/NAME.ts sets up. */
function browserlessProject(name: string, include: string): TestProjectInlineConfiguration {
  return {
    extends: true,
    define: { "import.meta.env.VITE_DEVICE": deviceText({ adapter: "", subgroups: true }) },
    test: {
      name,
      environment: "node",
      include: [include],
      setupFiles: [`test/support/${name}.ts`],
      pool: "forks",
      testTimeout: 300_000,
      fileParallelism: false,
    },
  };
}

/** A test project in a browser with WebGPU. */
function browserProject(
  name: string,
  include: string[],
  browser: Pick<BrowserConfigOptions, "provider" | "instances">,
  exclude: string[] = [],
): TestProjectInlineConfiguration {
  return {
    extends: true,
    // Known ahead; a dependency found late reloads the page in the middle of a test.
    optimizeDeps: {
      include: [
        "gl-matrix",
        "idb-keyval",
        "openai",
        "react",
        "react-dom/client",
        "@huggingface/jinja",
        "@huggingface/tokenizers",
        "@mlc-ai/web-xgrammar",
        "@eslint-community/regexpp",
        "ajv/dist/2020.js",
        "ajv-formats",
        "lit",
        "lit/directive.js",
        "lit/directives/guard.js",
        "lit/directives/keyed.js",
        "lit/directives/repeat.js",
        "marked",
        "mediabunny",
        "pdfjs-dist/legacy/build/pdf.mjs",
        "pdfjs-dist/legacy/build/pdf.worker.mjs",
        "eventsource-parser",
        "axe-core",
        "workbox-window",
      ],
    },
    test: {
      name,
      include,
      exclude,
      testTimeout: 300_000,
      hookTimeout: 300_000,
      // Files share a page, and with it modules, devices and pipelines: most of a small model's load is compiling.
      isolate: false,
      maxWorkers: BROWSERS_AT_ONCE,
      sequence: { groupOrder: 2 },
      browser: { enabled: true, headless: true, screenshotFailures: false, ...browser },
    },
  };
}

function firefoxProject(
  name: string,
  device: ExpectedDevice,
  setupFiles: string[] = [],
): TestProjectInlineConfiguration {
  const browser = { provider: firefoxProvider(), instances: [{ browser: "firefox" as const }] };
  const project = browserProject(name, FIREFOX_TESTS, browser);
  return {
    ...project,
    define: {
      "import.meta.env.VITE_DEVICE": deviceText(device),
      "import.meta.env.VITE_FAMILY_FOLDERS": JSON.stringify(JSON.stringify(familyFolders(FIREFOX_FAMILIES))),
    },
    test: { ...project.test, setupFiles },
  };
}

function chromium(command: "build" | "serve"): Pick<BrowserConfigOptions, "provider" | "instances"> {
  // Looked for only when the tests run, so that a build needs no browser.
  const executablePath = command === "serve" && process.env.VITEST ? findChromium() : undefined;
  const launchOptions = { ...(executablePath && { executablePath }), args: CHROMIUM_FLAGS };
  return { provider: chromiumProvider({ launchOptions }), instances: [{ browser: "chromium" }] };
}

/** For test/support/device.ts, which reads it as JSON. */
function deviceText(device: ExpectedDevice): string {
  return JSON.stringify(JSON.stringify(device));
}
