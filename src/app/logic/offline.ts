/** The app without a network: registers the service worker, says when all is kept, offers a newer version. */
import { Workbox } from "workbox-window";
import type { PageStore } from "./state.ts";

/** A tab that stays open for days asks for a newer version this often. */
const CHECK_MS = 60 * 60 * 1000;

/** The page that is kept. */
interface KeptPage {
  readonly store: PageStore;
  /** Starts again with the newer page that waits; set once there is one. */
  update: () => void;
}

/** Begins to keep the page and tells the state about it. Does nothing without service workers. */
export async function keepOffline(app: KeptPage): Promise<void> {
  const { store } = app;
  if (!("serviceWorker" in navigator)) return;
  const worker = new Workbox(new URL("sw.js", document.baseURI).href);
  const offer = () => {
    app.update = () => {
      worker.addEventListener("controlling", () => location.reload());
      worker.messageSkipWaiting();
    };
    store.set({ offline: "update" });
  };
  worker.addEventListener("waiting", offer);
  worker.addEventListener("installed", ({ isUpdate }) => {
    if (!isUpdate) store.set({ offline: "ready" });
  });
  try {
    await worker.register({ immediate: true });
  } catch {
    // No storage, as in some private windows: the page works as any other, with a network.
    return;
  }
  if (navigator.serviceWorker.controller && store.state.offline === "unknown") store.set({ offline: "ready" });
  setInterval(() => void worker.update().catch(() => {}), CHECK_MS);
}

/** Asks the browser not to clear the stored model when room gets short. Some ask the user, so only when one is at work. */
export function askToKeepStorage(): void {
  void navigator.storage?.persist?.().catch(() => false);
}
