/** The README's program in webpack and Next.js, built and run. tools/bundlers.mjs installs both and starts this test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Browser, chromium } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { install, run } from "../support/consumer.ts";
import { ANSWER, inWorker, picture, readmeProgram, withErrors } from "../support/readme-program.ts";

/** Holds the bundlers; a project in it finds them, and the library. */
const folder = process.env.FOVEA_BUNDLERS!;
const projects = join(folder, "projects");
const modelPackage = join(folder, "node_modules/fovea-demo-model");
let browser: Browser;

beforeAll(async () => {
  await install(folder);
  rmSync(projects, { recursive: true, force: true });
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS, timeout: 120_000 });
});
afterAll(async () => {
  await browser?.close();
  rmSync(projects, { recursive: true, force: true });
});

function makeProject(name: string, files: Record<string, string>): string {
  const root = join(projects, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

/** The text of a page once its program has ended, and the errors that it threw. */
async function textOf(url: string): Promise<string> {
  const page = await browser.newPage();
  page.setDefaultTimeout(240_000);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  try {
    await page.goto(url);
    await page.getByText("- done").waitFor();
    expect(complaints).toEqual([]);
    return await page.innerText("body");
  } finally {
    await page.close();
  }
}

/** Calls `use` while the demo model's package is not installed. */
async function withoutModel<T>(use: () => Promise<T>): Promise<T> {
  const aside = join(folder, "fovea-demo-model.aside");
  cpSync(modelPackage, aside, { recursive: true });
  rmSync(modelPackage, { recursive: true });
  try {
    return await use();
  } finally {
    cpSync(aside, modelPackage, { recursive: true });
    rmSync(aside, { recursive: true });
  }
}

describe("webpack", () => {
  interface Stats {
    toJson(): { errors: { message: string }[] };
  }
  type Webpack = (options: object, done: (error: Error | null, stats: Stats) => void) => void;

  /** Builds `entry` with webpack's defaults. */
  function build(root: string, mode: "development" | "production", entry: Record<string, string>): Promise<void> {
    const webpack: Webpack = createRequire(join(folder, "package.json"))("webpack");
    return new Promise((resolve, reject) => {
      webpack({ context: root, mode, entry, output: { path: join(root, "dist") } }, (error, stats) => {
        const { errors } = stats?.toJson() ?? { errors: [] };
        if (error ?? errors.length > 0) reject(error ?? new Error(errors.map(({ message }) => message).join("\n")));
        else resolve();
      });
    });
  }

  async function served<T>(root: string, use: (url: (name: string) => string) => Promise<T>): Promise<T> {
    for (const name of ["page", "worker"])
      writeFileSync(join(root, `dist/${name}.html`), `<!doctype html><body><script src="${name}.js"></script></body>`);
    cpSync(picture, join(root, "dist/picture.webp"));
    const server = await serve({ "/": { folder: join(root, "dist") } });
    try {
      return await use((name) => `${server.origin}/${name}.html`);
    } finally {
      server.close();
    }
  }

  test.for(["development", "production"] as const)(
    "runs the README's program as it stands, in page and worker, for %s",
    async (mode) => {
      const program = readmeProgram();
      const root = makeProject(`webpack-${mode}`, { "page.js": program, "worker.js": inWorker(program) });
      await build(root, mode, { page: "./page.js", worker: "./worker.js" });
      await served(root, async (url) => {
        expect(await textOf(url("page"))).toMatch(ANSWER);
        expect(await textOf(url("worker"))).toMatch(ANSWER);
      });
    },
  );

  test("builds without the demo model, and the page says what to install", async () => {
    const program = withErrors(readmeProgram());
    const root = makeProject("webpack-lost", { "page.js": program, "worker.js": inWorker(program) });
    await withoutModel(() => build(root, "development", { page: "./page.js", worker: "./worker.js" }));
    await served(root, async (url) => {
      expect(await textOf(url("page"))).toContain("install the package fovea-demo-model");
      expect(await textOf(url("worker"))).toContain("install the package fovea-demo-model");
    });
  });
});

describe.for(["turbopack", "webpack"])("Next.js with %s", (bundler) => {
  const LAYOUT = `export default function Layout({ children }) {
    return <html lang="en"><body>{children}</body></html>;
  }`;
  const PAGE = `import Ask from "./ask.jsx";
export default function Page() {
  return <main><h1>Rendered on the server</h1><Ask /></main>;
}`;

  /** A client component that runs a program once it is mounted. Its imports run on the server too. */
  function component(program: string): string {
    const lines = program.split("\n");
    const isImport = (line: string) => line.startsWith("import ");
    return `"use client";
import { useEffect, useState } from "react";
import "fovea/element/define";
import { useFovea } from "fovea/react";
${lines.filter(isImport).join("\n")}
export default function Ask() {
  useEffect(() => {
    const start = async () => {
      ${lines.filter((line) => !isImport(line)).join("\n")}
    };
    start().catch((error) => document.body.append(error.message, " - done"));
  }, []);
  const [wants, setWants] = useState(false);
  return wants ? <Hook /> : <button onClick={() => setWants(true)}>Hook</button>;
}
function Hook() {
  const { status } = useFovea("fovea-demo");
  return <p>{status}</p>;
}`;
  }

  async function build(name: string, program: string): Promise<string> {
    const root = makeProject(name, {
      "package.json": JSON.stringify({ name, type: "module", private: true }),
      "app/layout.jsx": LAYOUT,
      "app/page.jsx": PAGE,
      "app/ask.jsx": component(program),
      "app/worker/page.jsx": PAGE,
      "app/worker/ask.jsx": component(inWorker(program)),
      "next.config.js": `export default { turbopack: { root: ${JSON.stringify(folder)} } };`,
    });
    mkdirSync(join(root, "public"));
    cpSync(picture, join(root, "public/picture.webp"));
    const env = { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" };
    const next = join(folder, "node_modules/next/dist/bin/next");
    await run(process.execPath, [next, "build", `--${bundler}`], { cwd: root, env }).catch(({ stdout, stderr }) => {
      throw new Error(`${stdout}\n${stderr}`);
    });
    return root;
  }

  /** Starts what was built, and calls `use` with its address. */
  async function started<T>(root: string, use: (url: string) => Promise<T>): Promise<T> {
    const next = join(folder, "node_modules/next/dist/bin/next");
    const server = spawn(process.execPath, [next, "start", "--port", "0"], { cwd: root });
    try {
      let said = "";
      const url = await new Promise<string>((resolve, reject) => {
        for (const stream of [server.stdout, server.stderr])
          stream.on("data", (bytes) => {
            said += bytes;
            const address = /http:\/\/localhost:\d+/.exec(said)?.[0];
            if (address && /Ready/.test(said)) resolve(address);
          });
        server.once("exit", () => reject(new Error(`next start ended: ${said}`)));
      });
      return await use(url);
    } finally {
      const ended = once(server, "exit");
      server.kill();
      await ended;
    }
  }

  test("runs the README's program as it stands, in page and worker", async () => {
    const root = await build(`next-${bundler}`, readmeProgram());
    await started(root, async (url) => {
      // Rendered on the server, where the library was imported and did nothing.
      expect(await (await fetch(url)).text()).toMatch(/Rendered on the server.*<button/s);
      expect(await textOf(url)).toMatch(ANSWER);
      expect(await textOf(`${url}/worker`)).toMatch(ANSWER);
    });
  });

  test("builds without the demo model, and the page says what to install", async () => {
    const root = await withoutModel(() => build(`next-${bundler}-lost`, readmeProgram()));
    expect(await started(root, textOf)).toContain("install the package fovea-demo-model");
  });
});
