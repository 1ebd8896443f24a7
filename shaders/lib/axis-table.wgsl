// Rows have positions on several axes (M-RoPE), and each pair of channels turns by that of its own axis.
// Needs AXES_0 to AXES_7: the axes of pairs 0 to 127, 16 pairs a word, two bits each. axis-one.wgsl is for one axis.

const AXES = array(AXES_0, AXES_1, AXES_2, AXES_3, AXES_4, AXES_5, AXES_6, AXES_7);

fn axis_of_pair(pair: u32) -> u32 {
  return extractBits(AXES[pair / 16u], pair % 16u * 2u, 2u);
}
