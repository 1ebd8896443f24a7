// Turns the heads of q and k by the angles of their rows' positions (rotate-half: component d pairs with d + D/2), and
// appends k and v to the cache. One invocation turns or copies one Part of a head and its partner half a head on.
// Channels between the queries are skipped.
// A table row longer than its cosines and sines ends in a Part of factors, which scale the queries. With partial
// rotation only the first `turned` Parts of a head turn, in two halves of their own; the rest is copied.
// Needs lib/part-*, lib/cached-*, lib/axis-*, lib/turn*, HALF_PARTS (Parts in half a head) and WORKGROUP_SIZE.

struct Params {
  rows: u32,
  heads: u32,
  keyHeads: u32,
  cacheRow: u32,
  halfTurned: u32, // Parts in half of the channels that turn
  queryPitch: u32, // heads from a query to the next
  tablePitch: u32, // Parts from a position to the next
}

@group(0) @binding(0) var<storage, read> qkv: array<Part>; // [T, (queryPitch H + 2 Hk) D]
@group(0) @binding(1) var<storage, read> positions: array<u32>; // [axes, T]
@group(0) @binding(2) var<storage, read> table: array<Part>; // [P, turned channels, or 4 more], cosines then sines
@group(0) @binding(3) var<storage, read_write> q: array<Part>; // [T, H D]
@group(0) @binding(4) var<storage, read_write> cache: array<Cached>; // [C, 2 Hk D], keys then values; rows cacheRow.. are written
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let index = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
  let slots = params.heads + 2u * params.keyHeads;
  let pair = index % HALF_PARTS;
  let slot = index / HALF_PARTS % slots;
  let row = index / HALF_PARTS / slots;
  if (row >= params.rows) {
    return;
  }
  let turns = pair < params.halfTurned;
  let d = select(pair + params.halfTurned, pair, turns);
  let step = select(HALF_PARTS - params.halfTurned, params.halfTurned, turns); // from a Part to its partner
  let more = (params.queryPitch - 1u) * params.heads; // heads that lie between the queries
  let place = select(more + slot, slot * params.queryPitch, slot < params.heads);
  let source = (row * (slots + more) + place) * 2u * HALF_PARTS + d;
  let low = qkv[source];
  let high = qkv[source + step];

  let cached = ((params.cacheRow + row) * 2u * params.keyHeads + slot - params.heads) * 2u * HALF_PARTS + d;
  var turned_low = low;
  var turned_high = high;
  if (turns && slot < params.heads + params.keyHeads) {
    let cosine = turn_factors(row, d, d);
    let sine = turn_factors(row, d, d + params.halfTurned);
    turned_low = low * cosine - high * sine;
    turned_high = high * cosine + low * sine;
  }
  if (slot < params.heads) {
    if (params.tablePitch > 2u * params.halfTurned) {
      let growth = table[positions[row] * params.tablePitch + 2u * params.halfTurned];
      turned_low *= growth;
      turned_high *= growth;
    }
    let target_at = (row * params.heads + slot) * 2u * HALF_PARTS + d;
    q[target_at] = turned_low;
    q[target_at + step] = turned_high;
  } else {
    cache[cached] = to_cached(turned_low);
    cache[cached + step] = to_cached(turned_high);
  }
}
