// Where the attention of a viewer to a key goes: to a column, into the layer's packed list; to an earlier viewer, into scratch.
// Needs of the kernel the bindings `slots`, `starts`, `neighbours` and `imageAttention`.

const COLUMN_BIT = 0x80000000u;

// `row`: where the viewer's own begin in `neighbours`.
fn store_pair(viewer: u32, row: u32, key: u32, value: f32) {
  let slot = slots[key];
  if ((slot & COLUMN_BIT) != 0u) {
    imageAttention[starts[viewer] + (slot ^ COLUMN_BIT)] = value;
  } else if (slot < viewer) {
    neighbours[row + slot] = value;
  }
}
