/** Reads keys and pastes in a question field, for the element and the page. */

/**
 * True if the key sends the question. Shift+Enter makes a new line; Enter that ends a composition belongs to its
 * editor.
 */
export function isSendKey({ key, shiftKey, isComposing, keyCode }: KeyboardEvent): boolean {
  // Safari ends the composition before the key: only the code 229 still tells.
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229;
}

/**
 * The files of a paste; none where its text is meant. Word and Excel add a picture of the text that they copy. A text
 * field takes the text, and the picture is left out. File managers add the name or the address of a copied file.
 */
export function pastedFiles(event: ClipboardEvent): File[] {
  const files = [...(event.clipboardData?.files ?? [])];
  const text = event.clipboardData?.getData("text/plain").trim() ?? "";
  const lines = text.split(/\r?\n/);
  const isOnlyNames = lines.every((line) => files.some(({ name }) => nameOf(line) === name));
  return text !== "" && !isOnlyNames && isTextField(event.composedPath()[0]) ? [] : files;
}

/** The file name of a path or an address. */
function nameOf(line: string): string {
  const last = line.split(/[\\/]/).at(-1)!;
  if (!line.startsWith("file:")) return last;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function isTextField(target: EventTarget | undefined): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, input"));
}
