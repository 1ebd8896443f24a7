/** Parses tables with tabs; quoted fields may contain tabs, line breaks and doubled quotes. */

/** Each row after the first as column -> text, with its line. Throws an Error of one line for a row of another length. */
export function parseTsv(text: string, path: string): { fields: Record<string, string>; at: string }[] {
  const [head, ...rows] = records(text);
  if (!head) throw new Error(`${path}:1: the file is empty; download it again`);
  return rows.map(({ cells, line }) => {
    const at = `${path}:${line}`;
    if (cells.length !== head.cells.length)
      throw new Error(`${at}: ${cells.length} fields in place of ${head.cells.length}; download the file again`);
    return { fields: Object.fromEntries(head.cells.map((name, i) => [name, cells[i]!])), at };
  });
}

function records(text: string): { cells: string[]; line: number }[] {
  const found: { cells: string[]; line: number }[] = [];
  let line = 1;
  for (let position = 0; position < text.length; ) {
    const cells: string[] = [];
    const start = line;
    for (let isLast = false; !isLast; ) {
      const { cell, end } = text[position] === '"' ? quotedCell(text, position) : plainCell(text, position);
      line += cell.split("\n").length - 1;
      cells.push(cell);
      isLast = text[end] !== "\t";
      position = end + 1;
    }
    line++;
    if (cells.length > 1 || cells[0] !== "") found.push({ cells, line: start });
  }
  return found;
}

/** @returns the text, and the position of its tab or line break */
function plainCell(text: string, start: number): { cell: string; end: number } {
  const ends = [text.indexOf("\t", start), text.indexOf("\n", start)].filter((end) => end >= 0);
  const end = Math.min(text.length, ...ends);
  return { cell: text.slice(start, end).replace(/\r$/, ""), end };
}

function quotedCell(text: string, start: number): { cell: string; end: number } {
  let quote = text.indexOf('"', start + 1);
  while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  const close = quote < 0 ? text.length : quote;
  const cell = text.slice(start + 1, close).replaceAll('""', '"');
  return { cell, end: plainCell(text, close + 1).end };
}
