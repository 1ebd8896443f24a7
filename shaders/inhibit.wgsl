// The keys that each row of a chunk ignores: of a text row, the columns whose focus is below the cut; of other rows,
// none. The cut is the focus at a rank, in ascending order over the columns that the row sees, of all images or image
// by image. The rank depends on the number of those columns.
// One workgroup a row. The cut is exact, found four bits at a time (radix selection): no sort, no limit on the columns.
// Needs lib/text-row, THREADS.

const DIGITS = 8u;
const BINS = 16u;

struct Params {
  firstTextRow: u32, // number of the text row that row 0 of `focus` is
  chunkRow: u32, // the cache's row that row 0 is
  columns: u32, // n
  images: u32,
  firstRank: u32, // of the layer, in `ranks`
  perImage: u32, // 1: a cut for each image
  words: u32, // in a row of `inhibited`
}

@group(0) @binding(0) var<storage, read> focus: array<f32>; // [text rows of the chunk, n]
@group(0) @binding(1) var<storage, read> slots: array<u32>; // [S], column or text row at each row of the cache
@group(0) @binding(2) var<storage, read> textRows: array<TextRow>; // [text rows so far]
@group(0) @binding(3) var<storage, read> columnRows: array<u32>; // [n], the cache's row of each column
@group(0) @binding(4) var<storage, read> imageStarts: array<u32>; // [images + 1], first column of each image, and n
@group(0) @binding(5) var<storage, read> ranks: array<u32>; // [layers, n + 1], of the cut among so many columns
@group(0) @binding(6) var<storage, read_write> inhibited: array<atomic<u32>>; // [T, ceil(S / 32)]
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> histograms: array<atomic<u32>, DIGITS * BINS>;

// An integer that orders as the value does; -0 as 0. Comparing integers is exact where a GPU flushes tiny floats to 0.
fn order_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if (bits == 0x80000000u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

// order_of the value at `rank` of the ascending values focus[first .. end].
fn order_at_rank(first: u32, end: u32, rank: u32, thread: u32) -> u32 {
  workgroupBarrier();
  for (var i = thread; i < DIGITS * BINS; i += THREADS) {
    atomicStore(&histograms[i], 0u);
  }
  var found = 0u; // leading digits of the result
  var left = rank; // among the values with these leading digits
  for (var digit = 0u; digit < DIGITS; digit++) {
    workgroupBarrier();
    let shift = 28u - 4u * digit;
    for (var i = first + thread; i < end; i += THREADS) {
      let order = order_of(focus[i]);
      // Two shifts, because WGSL takes a shift by 32 as a shift by 0.
      if (((order >> shift) >> 4u) == found) {
        atomicAdd(&histograms[digit * BINS + ((order >> shift) & 15u)], 1u);
      }
    }
    workgroupBarrier();
    var bin = 0u;
    for (; bin < BINS - 1u; bin++) {
      let count = atomicLoad(&histograms[digit * BINS + bin]);
      if (left < count) {
        break;
      }
      left -= count;
    }
    found = (found << 4u) | bin;
  }
  return found;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let row = workgroup.x;
  let first_word = row * params.words;
  for (var i = thread; i < params.words; i += THREADS) {
    atomicStore(&inhibited[first_word + i], 0u);
  }
  let number = slots[params.chunkRow + row];
  if (number >= NO_SLOT) {
    return; // an image token, or text before the numbered rows
  }
  let first_seen = textRows[number].firstColumn;
  let end_seen = textRows[number].endColumn;
  if (first_seen == end_seen) {
    return;
  }
  storageBarrier();

  let first = (number - params.firstTextRow) * params.columns;
  let cuts = select(1u, params.images, params.perImage != 0u);
  for (var image = 0u; image < cuts; image++) {
    var begin = first_seen;
    var end = end_seen;
    if (params.perImage != 0u) {
      begin = max(begin, imageStarts[image]);
      end = min(end, imageStarts[image + 1u]);
    }
    if (begin >= end) {
      continue;
    }
    let rank = ranks[params.firstRank + end - begin];
    if (rank == 0u) {
      continue;
    }
    let cut = order_at_rank(first + begin, first + end, rank, thread);
    for (var column = begin + thread; column < end; column += THREADS) {
      if (order_of(focus[first + column]) < cut) {
        let key = columnRows[column];
        atomicOr(&inhibited[first_word + key / 32u], 1u << (key % 32u));
      }
    }
  }
}
