/** Models on servers as sources of engines: their names, their keys, and how they are loaded. */
import type { FoveaModel, WorkerOptions } from "../api.ts";
import { absoluteAddress } from "../shared/source.ts";
import { modelSource } from "./settings.ts";

const PREFIX = "server:";

/** Source -> key. Keys are no part of a source, which is shown and stored. */
const keys = new Map<string, string>();

/** The source of a model on a server: "server:https://host/v1 name". */
export function serverSource(address: string, model: string): string {
  return `${PREFIX}${absoluteAddress(address.trim())} ${model.trim()}`;
}

/** Has the next engine of a source send this key, or none. */
export function useKey(source: string, apiKey: string | null | undefined): void {
  if (apiKey) keys.set(source, apiKey);
  else keys.delete(source);
}

/** Differs between engines of a source that send different keys. Holds the key: for memory only. */
export function engineIdentity(source: string): string {
  return `${source}\n${keys.get(source) ?? ""}`;
}

/** The parts of such a source; undefined for any other. */
export function serverIn(source: string): { address: string; model: string } | undefined {
  const space = source.indexOf(" ");
  if (!source.startsWith(PREFIX) || space < 0) return undefined;
  return { address: source.slice(PREFIX.length, space), model: source.slice(space + 1) };
}

/** The source of an element's model; undefined without a model. */
export function chatSource({ model, server }: Record<"model" | "server", string | null>) {
  const isOnServer = server !== null && server.trim() !== "" && (model ?? "").trim() !== "";
  return isOnServer ? serverSource(server, model!) : modelSource(model);
}

/**
 * Asks the server whether it is there. Throws as `createRemote` and `connect`. The code comes with the first such
 * model.
 */
export async function loadFromServer(source: string, { signal }: WorkerOptions): Promise<FoveaModel> {
  const { address: baseURL, model } = serverIn(source)!;
  // Before anything is awaited: another element may use the same server with another key.
  const apiKey = keys.get(source);
  const { createRemote } = await import("../remote/remote.ts");
  const remote = createRemote({ baseURL, model, ...(apiKey && { apiKey }) });
  await remote.connect(signal ? { signal } : {});
  return remote;
}

/** Where questions go: "models.example"; undefined for a model in this browser. */
export function serverHost(source: string | undefined): string | undefined {
  const address = source === undefined ? undefined : serverIn(source)?.address;
  return address !== undefined && URL.canParse(address) ? new URL(address).host : address;
}
