/** Where the demo model's files are looked for: what its package says, in any form that bundlers give it. */
import { afterEach, expect, test, vi } from "vitest";

const installed = vi.hoisted(() => ({ files: undefined as Record<string, string> | undefined }));
vi.mock("../../src/shared/shipped-package.ts", () => ({
  importShipped: async () => installed.files,
  besideLibrary: (path: string) => `https://page.example/packages/${path}`,
}));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const load = () => import("../../src/shared/shipped-files.ts");

test("addresses of the package are absolute, also where a bundler made them relative to the page", async () => {
  installed.files = { "a/config.json": "/_next/media/config.1.json", "a/x.json": "https://cdn.example/x.json" };
  vi.stubGlobal("document", { baseURI: "https://page.example/app/" });
  const { shippedFiles, shippedAddress } = await load();
  const files = await shippedFiles();
  expect(files).toEqual({
    "a/config.json": "https://page.example/_next/media/config.1.json",
    "a/x.json": "https://cdn.example/x.json",
  });
  expect(shippedAddress("a/config.json", files).href).toBe("https://page.example/_next/media/config.1.json");
});

test("without the package, the files are looked for beside the library", async () => {
  installed.files = undefined;
  const { shippedFiles, shippedAddress } = await load();
  expect(await shippedFiles()).toBeUndefined();
  expect(shippedAddress("a/config.json", undefined).href).toBe("https://page.example/packages/a/config.json");
});

test("a worker takes over what the page found", async () => {
  installed.files = undefined;
  const { shippedFiles, tellShippedFiles } = await load();
  const files = { "a/config.json": "https://page.example/1.json" };
  tellShippedFiles(files);
  expect(await shippedFiles()).toBe(files);
});
