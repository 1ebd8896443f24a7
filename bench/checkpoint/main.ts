/**
 * `npm run bench -- --checkpoint NAME`: a published checkpoint with random values, from its download to one answer, in
 * headless Chromium on the built library. The report has the planned and the measured figures side by side.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { type SyntheticCheckpoint, syntheticCheckpoint } from "../../test/support/synthetic/checkpoint.ts";
import { serveCheckpoint } from "../../test/support/synthetic/server.ts";
import { CHROMIUM_FLAGS, findChromium } from "../../tools/chromium.mjs";
import { LIBRARY_ADDRESS, libraryPaths } from "../../tools/library-page.mjs";
import { addModule, callModule } from "../../tools/page-module.ts";
import { serve } from "../../tools/serve.mjs";
import { conditions } from "../machine.ts";
import type { CheckpointRun } from "./options.mjs";
import type { PageRun } from "./page.mjs";
import { Processes } from "./processes.ts";
import { Report } from "./report.ts";

type PageModule = typeof import("./page.mjs");

const PAGE_ADDRESS = "/checkpoint-page.mjs";
const PICTURE = fileURLToPath(new URL("../../eval/set/0000.png", import.meta.url));
const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));
const LAUNCH_TIMEOUT_MS = 120_000;

/**
 * @param args the command line, for the stored conditions
 * @returns the exit code: 1 if a bound was broken. Throws an Error of one line on failure.
 */
export async function main(run: CheckpointRun, args: string[], ensureLibrary: () => Promise<void>): Promise<number> {
  const about = conditions(args);
  const executablePath = findChromium();
  await ensureLibrary();
  const { blocks, layers, vocabulary } = run;
  const checkpoint = syntheticCheckpoint(run.checkpoint, { blocks, layers, vocabulary });
  const hub = await serveCheckpoint(checkpoint);
  const server = await serve({
    ...libraryPaths(),
    [PAGE_ADDRESS]: { file: fileURLToPath(new URL("./page.mjs", import.meta.url)) },
    "/picture.png": { file: PICTURE },
  });
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS, timeout: LAUNCH_TIMEOUT_MS });
  try {
    const page = await browser.newPage();
    const crashed = new Promise<never>((_, reject) =>
      page.once("crash", () =>
        reject(new Error("the browser's page crashed, most likely out of memory; try fewer --blocks or --layers")),
      ),
    );
    await page.goto(`${server.origin}/`);
    await addModule(page, PAGE_ADDRESS);
    const { weights, context, tokens, pictureSize, maxTokens } = run;
    const stages = (blocks ?? 4) < 4 ? [0] : undefined;
    const settings = { weights, context, tokens, pictureSize, stages, maxTokens };
    const request: PageRun = { library: LIBRARY_ADDRESS, model: hub.url, picture: "/picture.png", ...settings };
    const call = <Name extends keyof PageModule>(name: Name) =>
      Promise.race([crashed, callModule<PageModule, Name>(page, name, request)]);
    const report = new Report(describe(run, checkpoint), checkpoint);
    const planned = await call("plan");
    report.plan(planned, hub.sentBytes);
    if (!run.planOnly) {
      const processes = await Processes.of(browser);
      const before = processes?.now;
      const sent = hub.sentBytes;
      const busy = () => report.processor(processes?.gpuSeconds);
      busy();
      const loaded = await call("load");
      report.load(loaded, hub.sentBytes - sent);
      busy();
      if (processes && before) report.memory(before, processes.peak);
      if (!run.loadOnly) {
        report.answer(await call("ask"));
        busy();
      }
      processes?.close();
      await call("dispose");
    }
    const holds = report.finish();
    if (!run.planOnly && !run.loadOnly) writeFileSync(`${RESULTS}${fileName(run)}`, report.markdown(about));
    return holds ? 0 : 1;
  } finally {
    await browser.close().catch(() => {});
    server.close();
    hub.close();
  }
}

function fileName({ checkpoint, weights, blocks, layers, pictureSize }: CheckpointRun): string {
  const size = pictureSize && `${pictureSize.width}x${pictureSize.height}`;
  const part = [blocks && `${blocks}-blocks`, layers && `${layers}-layers`, size].filter(Boolean);
  return `${["checkpoint", checkpoint, weights, ...part].join("-")}.md`;
}

function describe(
  { checkpoint, weights, blocks, layers, vocabulary, tokens, pictureSize }: CheckpointRun,
  { parameters }: SyntheticCheckpoint,
) {
  const parts = [
    ...[blocks && `${blocks} blocks`, layers && `${layers} layers`, vocabulary && `${vocabulary} words`],
    tokens && `${tokens} image tokens`,
    pictureSize && `a picture of ${pictureSize.width} x ${pictureSize.height}`,
  ];
  const about = [`weights "${weights}"`, `${(parameters / 1e6).toFixed(0)} M parameters`, ...parts.filter(Boolean)];
  return { name: checkpoint, about: about.join(", "), isWhole: (blocks ?? layers ?? vocabulary) === undefined };
}
