// Which keys each row of a chunk ignores: of a viewer, the columns whose focus is below the cut, which is the focus at a
// given rank among the ascending ones (over all images that it sees, or image by image); of every other row, none.
// One workgroup a row. The cut is exact, found four bits at a time (radix selection): no sort, no limit on the columns.
// Needs THREADS.

const NO_SLOT = 0x7fffffffu; // text in front of all images; above are columns
const DIGITS = 8u;
const BINS = 16u;

struct Params {
  firstViewer: u32, // number of the chunk's first viewer among all
  chunkRow: u32, // the cache's row that row 0 is
  columns: u32, // n
  images: u32,
  firstRank: u32, // of the layer, in `ranks`
  perImage: u32, // 1: a cut for each image
  words: u32, // in a row of `inhibited`
}

@group(0) @binding(0) var<storage, read> focus: array<f32>; // [viewers of the chunk, n]
@group(0) @binding(1) var<storage, read> slots: array<u32>; // [S], column or viewer at each row
@group(0) @binding(2) var<storage, read> starts: array<u32>; // [viewers so far + 1]; differences are columns seen
@group(0) @binding(3) var<storage, read> columnRows: array<u32>; // [n], the cache's row of each column
@group(0) @binding(4) var<storage, read> ends: array<u32>; // [images], columns of each image and those before it
@group(0) @binding(5) var<storage, read> ranks: array<u32>; // [layers, images], of the cut
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
      // Two shifts, for one by 32 bits is none.
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
  let viewer = slots[params.chunkRow + row];
  if (viewer >= NO_SLOT) {
    return;
  }
  storageBarrier();

  let first = (viewer - params.firstViewer) * params.columns;
  let seen = starts[viewer + 1u] - starts[viewer];
  for (var image = 0u; image < params.images; image++) {
    let end = ends[image];
    let rank = ranks[params.firstRank + image];
    // Over all images that it sees: the rank that belongs to their number.
    if (end > seen || (params.perImage == 0u && end < seen) || rank == 0u) {
      continue;
    }
    var begin = 0u;
    if (params.perImage != 0u && image > 0u) {
      begin = ends[image - 1u];
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
