// A text row as attention inhibition sees it. Text rows are numbered from the first one that sees an image token; image
// tokens are numbered too, as columns. src/model/inhibition/index-tables.ts makes both. Ranges are half-open; all are
// empty for a row that sees no image token.

struct TextRow {
  row: u32, // in the cache
  firstKey: u32, // rows of the cache that it sees
  endKey: u32,
  firstColumn: u32, // columns among them
  endColumn: u32,
  firstNeighbour: u32, // text rows among them, itself included
  endNeighbour: u32,
  start: u32, // of its attention to those columns, in a layer's packed list
}

const COLUMN_BIT = 0x80000000u; // set in a slot that is a column; the other slots are text rows
const NO_SLOT = 0x7fffffffu; // slot of a text row before the numbered ones
