// Radix selection. Bins sum a measure under each digit of u32 keys. A descent finds the digit where the sum, from the
// largest key on, reaches a goal. Sums are 64-bit and exact.
// Needs lib/wide, DIGIT_BITS (2, 4 or 8) and THREADS.

const BINS = 1u << DIGIT_BITS;
const GROUP_BINS = 1u << (DIGIT_BITS / 2u);
const GROUPS = BINS / GROUP_BINS;

struct Selection {
  key: u32, // the largest key at which the measure reaches the goal; 0 if the whole sum does not reach it
  above: Wide, // the measure of larger keys
  goal: Wide,
  count: u32, // of candidates with this key
}

var<workgroup> bins_high: array<atomic<u32>, BINS>;
var<workgroup> bins_low: array<atomic<u32>, BINS>;
var<workgroup> bin_counts: array<atomic<u32>, BINS>;
var<workgroup> group_sums: array<Wide, GROUPS>;

// True if the bits from `shift` (0 to 32) on are equal. In two steps, because a shift by 32 is not defined.
fn same_digits(a: u32, b: u32, shift: u32) -> bool {
  let half = shift / 2u;
  return ((a ^ b) >> half) >> (shift - half) == 0u;
}

fn clear_bins(thread: u32) {
  for (var bin = thread; bin < BINS; bin += THREADS) {
    atomicStore(&bins_high[bin], 0u);
    atomicStore(&bins_low[bin], 0u);
    atomicStore(&bin_counts[bin], 0u);
  }
  workgroupBarrier();
}

fn add_to_bin(bin: u32, value: u32) {
  let before = atomicAdd(&bins_low[bin], value);
  if (before + value < before) {
    atomicAdd(&bins_high[bin], 1u);
  }
  atomicAdd(&bin_counts[bin], 1u);
}

fn bin_value(bin: u32) -> Wide {
  return Wide(atomicLoad(&bins_high[bin]), atomicLoad(&bins_low[bin]));
}

// All invocations call this once the bins are full, before `all_bins` and `descend`.
fn sum_groups(thread: u32) {
  workgroupBarrier();
  for (var group = thread; group < GROUPS; group += THREADS) {
    var sum = Wide(0u, 0u);
    for (var i = 0u; i < GROUP_BINS; i++) {
      sum = wide_add(sum, bin_value(group * GROUP_BINS + i));
    }
    group_sums[group] = sum;
  }
  workgroupBarrier();
}

fn all_bins() -> Wide {
  var sum = Wide(0u, 0u);
  for (var group = 0u; group < GROUPS; group++) {
    sum = wide_add(sum, group_sums[group]);
  }
  return sum;
}

// Adds the digit above `shift` to a selection: that of the bin where the measure reaches the goal.
fn descend(before: Selection, shift: u32) -> Selection {
  var sum = before.above;
  var group = GROUPS - 1u;
  for (; group > 0u; group--) {
    let with_group = wide_add(sum, group_sums[group]);
    if (!wide_less(with_group, before.goal)) {
      break;
    }
    sum = with_group;
  }
  var bin = group * GROUP_BINS + GROUP_BINS - 1u;
  for (; bin > group * GROUP_BINS; bin--) {
    let with_bin = wide_add(sum, bin_value(bin));
    if (!wide_less(with_bin, before.goal)) {
      break;
    }
    sum = with_bin;
  }
  return Selection(before.key | (bin << shift), sum, before.goal, atomicLoad(&bin_counts[bin]));
}
