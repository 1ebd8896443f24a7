// Draws the scenes of scenes.mjs into this folder, in headless Chromium: node eval/by-hand/draw.mjs. Emoji come from
// the system's font, so other systems draw other pictures; those in the repository use Noto's.
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { findChromium } from "../../tools/chromium.mjs";
import { serve } from "../../tools/serve.mjs";
import { SCENES } from "./scenes.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));

async function draw() {
  const server = await serve({ "/fluent/": { folder: `${folder}fluent` }, "/": { text: "", type: "text/html" } });
  const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/`);
    for (const { file, width, height, html } of SCENES) {
      await page.setViewportSize({ width, height });
      await page.setContent(`<body style="margin:0;position:relative;height:100vh;overflow:hidden">${html}`);
      await page.waitForFunction(() =>
        [...document.images].every(({ complete, naturalWidth }) => complete && naturalWidth > 0),
      );
      const format = file.endsWith(".jpg") ? { type: /** @type {const} */ ("jpeg"), quality: 88 } : {};
      await page.screenshot({ path: `${folder}${file}`, ...format });
    }
  } finally {
    server.close();
    await browser.close();
  }
}

await draw();
