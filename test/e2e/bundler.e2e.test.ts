/** The packed library in an empty Vite project, as the README shows it: its development server, and a build that is run. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { build, createServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {} from "../../src/element/index.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { projectRoot } from "../support/command.ts";
import { type Consumer, makeConsumer } from "../support/consumer.ts";
import { ANSWER, inWorker, picture, readmeProgram, withErrors } from "../support/readme-program.ts";

let project: Consumer;
let browser: Browser;

beforeAll(async () => {
  project = await makeConsumer(["react", "react-dom"]);
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  project?.remove();
});

/** A project of its own, with the packages beside it. */
function makeProject(name: string, files: Record<string, string>): string {
  const root = join(project.folder, name);
  mkdirSync(root);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
  return root;
}

/** Starts a project, as `vite dev` or as `vite build` and `vite preview` do, with its own settings only. */
async function start(root: string, how: "dev" | "build"): Promise<{ url: string; close(): Promise<void> }> {
  // Vite takes this for a wish to build for development.
  process.env.NODE_ENV = how === "dev" ? "development" : "production";
  const settings = { root, logLevel: "error" } as const;
  if (how === "build") await build(settings);
  const server = how === "build" ? await preview(settings) : await (await createServer(settings)).listen();
  const { port } = server.httpServer!.address() as AddressInfo;
  return { url: `http://localhost:${port}/`, close: () => server.close() };
}

async function withPage<T>(url: string, use: (page: Page) => Promise<T>): Promise<T> {
  const page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  try {
    await page.goto(url);
    const result = await use(page);
    expect(complaints).toEqual([]);
    return result;
  } finally {
    await page.close();
  }
}

const page = (script: string) => `<!doctype html><body><script type="module">${script}</script></body>`;

describe.for(["dev", "build"] as const)("vite %s", (how) => {
  test.for(["page", "worker"])("runs the README's program as it stands, in the %s", async (place) => {
    const program = place === "page" ? readmeProgram() : inWorker(readmeProgram());
    const root = makeProject(`readme-${how}-${place}`, { "index.html": page(program) });
    mkdirSync(join(root, "public"));
    cpSync(picture, join(root, "public/picture.webp"));
    const { url, close } = await start(root, how);
    try {
      const text = await withPage(url, async (page) => {
        await page.getByText("done").waitFor();
        return page.innerText("body");
      });
      expect(text).toMatch(ANSWER);
    } finally {
      await close();
    }
  });

  test("runs the React example with its own settings", async () => {
    const root = join(project.folder, `react-${how}`);
    // Without its list of packages, which lie in the folder above.
    const filter = (path: string) => !path.endsWith("package.json");
    cpSync(join(projectRoot, "examples/react"), root, { recursive: true, filter });
    const { url, close } = await start(root, how);
    try {
      await withPage(url, async (page) => {
        await page.getByRole("status").filter({ hasText: "Ready." }).waitFor();
        await page.getByLabel("Picture").setInputFiles(picture);
        await page.getByRole("button", { name: "Ask" }).click();
        await page
          .getByRole("status")
          .filter({ hasText: /^stop: \d+ tokens/ })
          .waitFor();
        expect(await page.locator("output").textContent()).toMatch(ANSWER);
      });
    } finally {
      await close();
    }
  });
});

test("a build finds the models in a folder of the page", async () => {
  const load = (text: string) => text.replace('"fovea-demo", {', '"fovea-demo", { modelsUrl: "/models/",');
  const worker = inWorker(readmeProgram(load));
  const root = makeProject("models", {
    "index.html": page(readmeProgram(load)),
    "worker.html": page(worker),
    "vite.config.js": 'export default { build: { rolldownOptions: { input: ["index.html", "worker.html"] } } };',
  });
  cpSync(join(project.folder, "node_modules/fovea-demo-model/fovea-demo"), join(root, "public/models/fovea-demo"), {
    recursive: true,
  });
  cpSync(picture, join(root, "public/picture.webp"));
  const { url, close } = await start(root, "build");
  try {
    for (const path of ["", "worker.html"]) {
      const fetched: string[] = [];
      const text = await withPage("about:blank", async (page) => {
        page.on("request", (request) => fetched.push(request.url()));
        await page.goto(`${url}${path}`);
        await page.getByText("done").waitFor();
        return page.innerText("body");
      });
      expect(text).toMatch(ANSWER);
      expect(fetched.filter((address) => /config\.json/.test(address) && !address.startsWith(`${url}models/`))).toEqual(
        [],
      );
    }
  } finally {
    await close();
  }
});

test("a build without the demo model's files says how to serve them", async () => {
  const lost = readmeProgram((text) => text.replace('"fovea-demo", {', '"fovea-demo", { modelsUrl: "/nowhere/",'));
  const root = makeProject("lost", {
    "index.html": page(withErrors(lost)),
  });
  const { url, close } = await start(root, "build");
  try {
    const text = await withPage(url, async (page) => {
      await page.getByText("done").waitFor();
      return page.innerText("body");
    });
    expect(text).toContain("install the package fovea-demo-model");
  } finally {
    await close();
  }
});

describe("without a bundler", () => {
  let server: { origin: string; close: () => void };
  const addresses = { fovea: "fovea/dist/lib/index.js", "fovea/worker": "fovea/dist/lib/worker.js" };
  const others = {
    "@huggingface/jinja": "@huggingface/jinja/dist/index.js",
    "@huggingface/tokenizers": "@huggingface/tokenizers/dist/tokenizers.mjs",
  };
  const withMap = (program: string, more = {}) => {
    const below = Object.entries({ ...addresses, ...others, ...more }).map(([name, path]) => [
      name,
      `./packages/${path}`,
    ]);
    const map = JSON.stringify({ imports: Object.fromEntries(below) });
    return page(program).replace("<body>", `<script type="importmap">${map}</script><body>`);
  };
  const tag = `<!doctype html><script type="module" src="./packages/fovea/dist/lib/element/define.js"></script>
    <fovea-chat model="fovea-demo"></fovea-chat>`;
  const modelPackage = { "fovea-demo-model": "fovea-demo-model/index.js" };
  const pages = {
    "/map.html": withMap(readmeProgram(), modelPackage),
    // The model's package lies beside the library's, but no map names it.
    "/beside.html": withMap(readmeProgram()),
    "/worker.html": withMap(inWorker(readmeProgram())),
    "/tag.html": tag,
  };

  beforeAll(async () => {
    const served = Object.entries(pages).map(([path, text]) => [path, { text, type: "text/html; charset=utf-8" }]);
    server = await serve({
      ...Object.fromEntries(served),
      "/picture.webp": { file: picture },
      "/packages/": { folder: join(project.folder, "node_modules") },
    });
  });
  afterAll(() => server?.close());

  test.for(["map", "beside", "worker"])("an import map runs the README's program as it stands (%s)", async (name) => {
    const text = await withPage(`${server.origin}/${name}.html`, async (page) => {
      await page.getByText("done").waitFor();
      return page.innerText("body");
    });
    expect(text).toMatch(ANSWER);
  });

  test("one script tag answers with the demo model", async () => {
    const answer = await withPage(`${server.origin}/tag.html`, (page) =>
      page.evaluate(async () => {
        await customElements.whenDefined("fovea-chat");
        const chat = document.querySelector("fovea-chat")!;
        const file = await (await fetch("/picture.webp")).blob();
        return (await chat.ask("What is in this picture?", file)) as string;
      }),
    );
    expect(answer).toMatch(ANSWER);
  });
});
