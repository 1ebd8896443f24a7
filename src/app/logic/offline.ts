/** The app offline: registers the service worker, reports when all files are stored, offers updates. */
import { Workbox } from "workbox-window";
import type { PageStore } from "./state.ts";

/** How often an open tab checks for an update. */
const CHECK_MS = 60 * 60 * 1000;

/** The page that is stored. */
interface KeptPage {
  readonly store: PageStore;
  /** Reloads with the update that waits; set once there is one. */
  update: () => void;
}

/** Stores the page for offline use and sets the state. Does nothing without service workers. */
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
  try {
    await worker.register({ immediate: true });
  } catch {
    // No storage, as in some private windows: the page then needs a network.
    return;
  }
  // Also where an earlier page, already closed, began the installation.
  void navigator.serviceWorker.ready.then(() => {
    if (store.state.offline === "unknown") store.set({ offline: "ready" });
  });
  setInterval(() => void worker.update().catch(() => {}), CHECK_MS);
}

/**
 * Asks the browser to keep the stored model when space runs low. Some browsers ask the user, so call it on user action.
 */
export function askToKeepStorage(): void {
  void navigator.storage?.persist?.().catch(() => false);
}
