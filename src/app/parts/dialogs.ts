/** The page's dialogs by name: parts ask for one with an event, the page opens it. */

export type DialogRequest =
  | { kind: "scene" }
  | { kind: "camera" }
  | { kind: "models"; address?: string; files?: readonly File[] };

/** Asks the page, from one of its parts, to open a dialog. */
export function openDialog(from: EventTarget, request: DialogRequest): void {
  from.dispatchEvent(new CustomEvent<DialogRequest>("open-dialog", { detail: request, bubbles: true, composed: true }));
}
