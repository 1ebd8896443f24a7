/** Builds library and site before the end-to-end tests, whose files run side by side: each would build them for itself. */
import { ensureSite } from "../../tools/build.mjs";
import { ensureLibrary } from "../../tools/library.mjs";

export async function setup(): Promise<void> {
  const mode = process.env.NODE_ENV;
  await ensureLibrary();
  await ensureSite();
  // The site's build asks for another one.
  process.env.NODE_ENV = mode;
}
