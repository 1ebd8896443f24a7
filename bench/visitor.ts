/** A visitor's Chromium: an empty profile, which keeps what pages store until the visitor leaves. Node only. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright";
import { CHROMIUM_FLAGS, findChromium } from "../tools/chromium.mjs";

/** A software adapter takes long. */
const TIMEOUT_MS = 300_000;

/** Runs `use` in a browser of its own, then removes the browser and its profile. @param viewport in CSS pixels */
export async function withVisitor<T>(
  use: (context: BrowserContext) => Promise<T>,
  viewport?: { width: number; height: number },
): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), "fovea-bench-"));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium(),
      args: CHROMIUM_FLAGS,
      timeout: TIMEOUT_MS,
      ...(viewport && { viewport }),
    });
    context.setDefaultTimeout(TIMEOUT_MS);
    try {
      return await use(context);
    } finally {
      await context.close().catch(() => {});
    }
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}
