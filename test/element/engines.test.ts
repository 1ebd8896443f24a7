/** One engine for each model of a page: who shares it, who ends its load, and when it is freed. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { EngineSlot } from "../../src/element/engine-slot.ts";
import { EngineRegistry } from "../../src/element/engines.ts";
import { FoveaError } from "../../src/errors.ts";
import { ScriptedLoader } from "./scripted-engine.ts";

let loader: ScriptedLoader;
let engines: EngineRegistry;
beforeEach(() => {
  loader = new ScriptedLoader();
  engines = new EngineRegistry(loader.load);
});

const watcher = () => ({ onProgress: vi.fn(), onWait: vi.fn() });
const tick = () => new Promise((resolve) => setTimeout(resolve));

describe("a registry", () => {
  test("loads a model once for all that ask for it, and another one for itself", async () => {
    const [a, b, other] = [engines.lease("m", watcher()), engines.lease("m", watcher()), engines.lease("n", watcher())];
    expect(loader.loads.map(({ source }) => source)).toEqual(["m", "n"]);
    const model = loader.loads[0]!.finish();
    expect(await a.model).toBe(model);
    expect(await b.model).toBe(model);
    expect(await engines.lease("m", watcher()).model).toBe(model);
    expect(engines.size).toBe(2);
    other.release();
    expect(engines.size).toBe(1);
  });

  test("frees the model when the last of them is done, once", async () => {
    const leases = [engines.lease("m", watcher()), engines.lease("m", watcher())];
    const model = loader.last.finish();
    await tick();
    leases[0]!.release();
    leases[0]!.release();
    await tick();
    expect(model.disposals).toBe(0);
    leases[1]!.release();
    leases[1]!.release();
    await tick();
    expect(model.disposals).toBe(1);
    expect(engines.size).toBe(0);
    engines.lease("m", watcher());
    expect(loader.loads).toHaveLength(2);
  });

  test("ends a load when nobody waits for it any more, and only then", async () => {
    const [a, b] = [engines.lease("m", watcher()), engines.lease("m", watcher())];
    a.release();
    await expect(a.model).rejects.toMatchObject({ code: "aborted" });
    expect(loader.last.options.signal!.aborted).toBe(false);
    b.release();
    expect(loader.last.options.signal!.aborted).toBe(true);
    await expect(b.model).rejects.toMatchObject({ code: "aborted" });
  });

  test("frees a model that came although its load was ended", async () => {
    const stubborn = new ScriptedLoader();
    const registry = new EngineRegistry((source, { signal: _, ...options }) => stubborn.load(source, options));
    registry.lease("m", watcher()).release();
    const model = stubborn.last.finish();
    await tick();
    expect(model.disposals).toBe(1);
  });

  test("tries again after a load that failed", async () => {
    const lease = engines.lease("m", watcher());
    loader.last.fail(new FoveaError("download-failed", "no network"));
    await expect(lease.model).rejects.toMatchObject({ code: "download-failed" });
    const next = engines.lease("m", watcher());
    const model = loader.last.finish();
    expect(await next.model).toBe(model);
    // Of the engine that is no more.
    lease.release();
    expect(engines.size).toBe(1);
    expect(model.disposals).toBe(0);
  });

  test("tells all of a load, also those who come late", () => {
    const [early, late] = [watcher(), watcher()];
    engines.lease("m", early);
    loader.last.progress(1, 4);
    loader.last.options.onWait!(true);
    engines.lease("m", late);
    expect(late.onProgress.mock.calls).toEqual([
      [{ stage: "weights", file: "model.safetensors", loadedBytes: 1, totalBytes: 4 }],
    ]);
    expect(late.onWait.mock.calls).toEqual([[true]]);
    loader.last.options.onWait!(false);
    expect([early.onWait.mock.lastCall, late.onWait.mock.lastCall]).toEqual([[false], [false]]);
  });

  test("gives who comes next another engine in place of a dead one", async () => {
    const lease = engines.lease("m", watcher());
    const dead = loader.last.finish();
    await lease.model;
    lease.retire();
    engines.lease("m", watcher());
    expect(loader.loads).toHaveLength(2);
    lease.release();
    await tick();
    expect(dead.disposals).toBe(1);
    expect(engines.size).toBe(1);
  });
});

describe("a slot", () => {
  const owner = () => ({ onState: vi.fn(), onProgress: vi.fn() });

  test("asks once for the model that it has, and gives it back for another", async () => {
    const slot = new EngineSlot(owner());
    const first = slot.acquire("m", engines);
    expect(slot.acquire("m", engines)).toBe(first);
    const model = loader.last.finish();
    expect(await first).toBe(model);
    expect(slot.state).toMatchObject({ phase: "ready", info: model.info });
    const second = slot.acquire("n", engines);
    await tick();
    expect(model.disposals).toBe(1);
    expect(slot.state.phase).toBe("loading");
    const other = loader.last.finish();
    expect(await second).toBe(other);
  });

  test("is told at once how far a load is that others began", () => {
    engines.lease("m", watcher());
    loader.last.progress(1, 4);
    loader.last.options.onWait!(true);
    const told = owner();
    const slot = new EngineSlot(told);
    slot.acquire("m", engines);
    expect(slot.state).toMatchObject({ phase: "loading", waiting: true, progress: { loadedBytes: 1 } });
    expect(told.onProgress.mock.lastCall).toEqual([expect.objectContaining({ loadedBytes: 1 }), true]);
  });

  test("hears nothing of a load that it has left", async () => {
    const told = owner();
    const slot = new EngineSlot(told);
    const left = slot.acquire("m", engines);
    engines.lease("m", watcher());
    slot.release();
    told.onState.mockClear();
    loader.last.progress(1, 4);
    loader.last.finish();
    await expect(left).rejects.toMatchObject({ code: "aborted" });
    expect(told.onState).not.toHaveBeenCalled();
    expect(slot.state.phase).toBe("none");
  });

  test("loads anew after a failed load, and after the engine's death", async () => {
    const slot = new EngineSlot(owner());
    const failed = slot.acquire("m", engines);
    loader.last.fail(new Error("no"));
    await expect(failed).rejects.toThrow("no");
    expect(slot.state).toMatchObject({ phase: "failed", error: new Error("no") });
    const ready = slot.acquire("m", engines);
    const model = loader.last.finish();
    await ready;
    slot.onModelError(new FoveaError("bad-image", "no picture"));
    expect(slot.state.phase).toBe("ready");
    slot.onModelError(new FoveaError("device-lost", "gone"));
    await tick();
    expect(model.disposals).toBe(1);
    slot.acquire("m", engines);
    expect(loader.loads).toHaveLength(3);
  });
});
