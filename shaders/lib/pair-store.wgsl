// Stores the attention of a text row to a key: in the layer's packed list for a column, in scratch for another text
// row. Drops it for a key that the row does not see.
// Needs lib/text-row, and the kernel's bindings `slots`, `textRows`, `neighbours` and `imageAttention`.

// `text_row`: its number. `first`: where its own values begin in `neighbours`.
fn store_pair(text_row: u32, first: u32, key: u32, value: f32) {
  if (key < textRows[text_row].firstKey || key >= textRows[text_row].endKey) {
    return;
  }
  let slot = slots[key];
  if ((slot & COLUMN_BIT) != 0u) {
    let column = slot ^ COLUMN_BIT;
    imageAttention[textRows[text_row].start + column - textRows[text_row].firstColumn] = value;
  } else if (slot != text_row && slot != NO_SLOT) {
    neighbours[first + slot] = value;
  }
}
