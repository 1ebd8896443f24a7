// node tools/pictures.mjs: redraws the pictures of public/: the samples, from src/app/scene/samples.ts with Noto Color
// Emoji, and the app's icons, from public/icon.svg. Run it by hand when one of them changes, and commit the result.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright";
import { createServer } from "vite";
import { CHROMIUM_FLAGS, findChromium } from "./chromium.mjs";
import { root } from "./library.mjs";

const publicFolder = `${root}public`;
const ICON_SIDES = [192, 512];

const server = await createServer({ root, configFile: `${root}vite.config.ts`, logLevel: "warn", server: { port: 0 } });
await server.listen();
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS });
try {
  const page = await browser.newPage();
  // An empty page of the server, from which its modules can be imported.
  await page.route("**/blank", (route) => route.fulfill({ contentType: "text/html", body: "" }));
  await page.goto(new URL("blank", server.resolvedUrls?.local[0]).href);
  mkdirSync(`${publicFolder}/samples`, { recursive: true });
  for (const [name, bytes] of Object.entries(await page.evaluate(drawSamples)))
    writeFileSync(`${publicFolder}/samples/${name}`, Buffer.from(bytes, "base64"));

  const svg = readFileSync(`${publicFolder}/icon.svg`, "utf8");
  for (const side of ICON_SIDES) {
    await page.setViewportSize({ width: side, height: side });
    // A maskable icon is cut to any shape: its corners are filled, and the drawing stays away from them.
    await page.setContent(`<style>body { margin: 0; background: #1c1b3a } svg { display: block }</style>${svg}`);
    await page.screenshot({ path: `${publicFolder}/icon-${side}.png` });
  }
} finally {
  await browser.close();
  await server.close();
}

/**
 * Runs in the page.
 * @returns {Promise<Record<string, string>>} file name -> WebP as base64
 */
async function drawSamples() {
  const [{ SAMPLES }, { drawScene, SCENE_SIDE }] = await Promise.all([
    // Addresses of the server, which no bundler sees.
    import(/** @type {string} */ ("/src/app/scene/samples.ts")),
    import(/** @type {string} */ ("/src/app/scene/draw.ts")),
  ]);
  const canvas = new OffscreenCanvas(SCENE_SIDE, SCENE_SIDE);
  /** @type {Record<string, string>} */
  const pictures = {};
  for (const { name, scene } of SAMPLES) {
    drawScene(canvas.getContext("2d"), scene);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    pictures[name] = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }
  return pictures;
}
