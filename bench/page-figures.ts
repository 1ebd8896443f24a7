/**
 * Measures the built page from outside as a new visitor meets it, on a desk and on a phone: the first paint, the bytes
 * before it, layout shifts and long tasks until its model is loaded. Node only.
 */
import { brotliCompressSync } from "node:zlib";
import type { BrowserContext, Page } from "playwright";
import { ready } from "../test/support/site-page.ts";
import { siteFolder } from "../tools/build.mjs";
import { serve } from "../tools/serve.mjs";
import { median } from "./parts/measure.ts";
import type { Figure } from "./parts/result.ts";
import { withVisitor } from "./visitor.ts";

/** Widths and heights in CSS pixels. */
const SCREENS = [
  [1440, 900],
  [360, 740],
] as const;

const VISITS = 3;
/** The part of a task beyond this blocks (web.dev, "Total Blocking Time"). */
const LONG_TASK_MS = 50;
/** Shifts are counted for so long after the model is loaded. */
const SETTLE_MS = 1000;

/** Kinds of files whose bytes count. */
const CODE = ["document", "script", "stylesheet"];

/** What one visit measured; times in milliseconds since the navigation. */
interface Visit {
  paint: number;
  largest: number;
  shift: number;
  blocking: number;
  longest: number;
  bytes: number;
}

/** What the observers in the page have seen. */
interface Seen {
  tasks: { start: number; duration: number }[];
  shifts: { at: number; value: number }[];
  largest: number;
}

/**
 * The median of cold visits, each with an empty profile, without throttling.
 *
 * @param folder of the built site
 */
export async function pageFigures(progress: (what: string) => void, folder: string = siteFolder): Promise<Figure[]> {
  const server = await serve({ "/": { folder } });
  try {
    const figures: Figure[] = [];
    for (const [width, height] of SCREENS) {
      const visits: Visit[] = [];
      for (let i = 0; i < VISITS; i++) {
        progress(`page: ${width} x ${height}, visit ${i + 1}`);
        visits.push(await withVisitor((context) => measure(context, server.origin), { width, height }));
      }
      figures.push(...figuresOf(visits, width));
    }
    return figures;
  } finally {
    server.close();
  }
}

function figuresOf(visits: readonly Visit[], width: number): Figure[] {
  const value = (of: keyof Visit) => median(visits.map((one) => one[of]));
  const where = `at ${width} pixels`;
  const ms = { unit: "ms" };
  return [
    { id: `page.paint-${width}`, what: `first contentful paint, ${where}`, value: value("paint"), ...ms },
    { id: `page.largest-${width}`, what: `largest contentful paint, ${where}`, value: value("largest"), ...ms },
    {
      id: `page.bytes-${width}`,
      what: `code before the first paint, after brotli, ${where}`,
      value: value("bytes") / 1e3,
      unit: "kB",
    },
    {
      id: `page.shift-${width}`,
      what: `cumulative layout shift until the model is loaded, ${where}`,
      value: value("shift"),
      unit: "",
    },
    {
      id: `page.blocking-${width}`,
      what: `total blocking time from the first paint to a loaded model, ${where}`,
      value: value("blocking"),
      ...ms,
    },
    { id: `page.longest-${width}`, what: `longest task, ${where}`, value: value("longest"), ...ms },
  ];
}

async function measure(context: BrowserContext, origin: string): Promise<Visit> {
  const page = await context.newPage();
  await page.addInitScript(observe);
  const bodies = keepBodies(page);
  await page.goto(origin);
  await ready(page);
  const loaded = await page.evaluate(() => performance.now());
  await page.waitForTimeout(SETTLE_MS);
  const { seen, paint, before } = await page.evaluate(collect);
  const tasks = seen.tasks.filter(({ start, duration }) => start + duration > paint && start < loaded);
  const code = await Promise.all(before.map((address) => bodies.get(address) ?? Buffer.alloc(0)));
  return {
    paint,
    largest: seen.largest,
    shift: largestSession(seen.shifts),
    blocking: tasks.reduce((sum, { duration }) => sum + duration - LONG_TASK_MS, 0),
    longest: Math.max(0, ...seen.tasks.map(({ duration }) => duration)),
    bytes: code.reduce((sum, body) => sum + brotliCompressSync(body).length, 0),
  };
}

/** The page, its scripts and its styles by their addresses. The local server sends them without compression. */
function keepBodies(page: Page): Map<string, Promise<Buffer>> {
  const bodies = new Map<string, Promise<Buffer>>();
  page.on("response", (response) => {
    if (!CODE.includes(response.request().resourceType())) return;
    const body = response.body();
    // Read once the visit is over; a page that closes before is an error of its own.
    body.catch(() => {});
    bodies.set(response.url(), body);
  });
  return bodies;
}

/** Layout shift as web.dev defines it: the largest sum of shifts at most 1 s apart, within 5 s. */
function largestSession(shifts: Seen["shifts"]): number {
  let [most, sum, first, last] = [0, 0, 0, Number.NEGATIVE_INFINITY];
  for (const { at, value } of shifts) {
    if (at - last > 1000 || at - first > 5000) [sum, first] = [0, at];
    sum += value;
    last = at;
    most = Math.max(most, sum);
  }
  return most;
}

/** Runs in the page, before its scripts. */
function observe(): void {
  const seen: Seen = { tasks: [], shifts: [], largest: 0 };
  Object.assign(globalThis, { seen });
  const watch = (type: string, note: (entry: PerformanceEntry) => void) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
  watch("longtask", ({ startTime: start, duration }) => seen.tasks.push({ start, duration }));
  watch("layout-shift", (entry) => {
    const { value, hadRecentInput } = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
    if (!hadRecentInput) seen.shifts.push({ at: entry.startTime, value });
  });
  watch("largest-contentful-paint", ({ startTime }) => {
    seen.largest = startTime;
  });
}

/** Runs in the page: what was seen, and the addresses that had arrived before the first paint. */
function collect(): { seen: Seen; paint: number; before: string[] } {
  const paint = performance.getEntriesByName("first-contentful-paint")[0]!.startTime;
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const before = entries.filter((entry) => (entry as PerformanceResourceTiming).responseEnd <= paint);
  return { seen: (globalThis as unknown as { seen: Seen }).seen, paint, before: before.map(({ name }) => name) };
}
