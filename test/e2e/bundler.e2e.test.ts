/** The packed library in an empty Vite project, as the README shows it: its development server, and a build that is run. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { build, createServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { projectRoot } from "../support/command.ts";
import { type Consumer, makeConsumer } from "../support/consumer.ts";

const picture = join(projectRoot, "public/samples/harbour.webp");
const ANSWER = /sailboat|boat|ship|anchor/i;
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

/** The README's program for a page; `file` is what a form would give. */
function readmeProgram(change = (text: string) => text): string {
  const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
  const program = /```ts\n(.*?)```/s.exec(readme)![1]!.replace(/^import .*$/m, "");
  expect(program).toContain('Fovea.load("fovea-demo"');
  return `import { Fovea } from "fovea";
const file = await (await fetch("/picture.webp")).blob();
${change(program)}
document.body.append(" - done");`;
}

const page = (script: string) => `<!doctype html><body><script type="module">${script}</script></body>`;

describe.for(["dev", "build"] as const)("vite %s", (how) => {
  test("runs the README's program as it stands", async () => {
    const root = makeProject(`readme-${how}`, { "index.html": page(readmeProgram()) });
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

  test("finds the models in a folder of the page", async () => {
    const load = (text: string) => text.replace('"fovea-demo", {', '"fovea-demo", { modelsUrl: "/models/",');
    const worker = readmeProgram(load)
      .replace("{ Fovea }", "{ createFovea }")
      .replace('from "fovea"', 'from "fovea/worker"')
      .replace("Fovea.load(", "createFovea(");
    const root = makeProject(`models-${how}`, {
      "index.html": page(readmeProgram(load)),
      "worker.html": page(worker),
      "vite.config.js": 'export default { build: { rolldownOptions: { input: ["index.html", "worker.html"] } } };',
    });
    cpSync(join(project.folder, "node_modules/fovea/dist/lib/models"), join(root, "public/models"), {
      recursive: true,
    });
    cpSync(picture, join(root, "public/picture.webp"));
    const { url, close } = await start(root, how);
    try {
      for (const path of ["", "worker.html"]) {
        const fetched: string[] = [];
        const text = await withPage(url, async (page) => {
          page.on("request", (request) => fetched.push(request.url()));
          await page.goto(`${url}${path}`);
          await page.getByText("done").waitFor();
          return page.innerText("body");
        });
        expect(text).toMatch(ANSWER);
        expect(
          fetched.filter((address) => /config\.json/.test(address) && !address.startsWith(`${url}models/`)),
        ).toEqual([]);
      }
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

test("a build without the demo model's files says how to serve them", async () => {
  const lost = readmeProgram((text) => text.replace('"fovea-demo", {', '"fovea-demo", { modelsUrl: "/nowhere/",'));
  const root = makeProject("lost", {
    "index.html": page(
      `try {${lost.replace(/^import .*$/m, "")}} catch (error) { document.body.append(error.message, " - done"); }`.replace(
        "try",
        'import { Fovea } from "fovea"; try',
      ),
    ),
  });
  const { url, close } = await start(root, "build");
  try {
    const text = await withPage(url, async (page) => {
      await page.getByText("done").waitFor();
      return page.innerText("body");
    });
    expect(text).toContain("copy node_modules/fovea/dist/lib/models to a folder that your site serves");
  } finally {
    await close();
  }
});
