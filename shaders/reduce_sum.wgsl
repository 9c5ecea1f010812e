// out[slot] = c * (sum of x): the mean loss, the sum of a tensor's blocks.
// x: [n], any n; out: [any]. Grid: (1, 1, 1). f32 accumulation: each lane sums every WG-th element in order, then a fixed tree over the
// lanes, so the same bits on every run. out[slot] is =, the others stay.
//#const WG 256
//#instance WG=8
//#import reduce
struct P { n: u32, slot: u32, c: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32) {
  var s = 0.0;
  for (var i = t; i < p.n; i += ${WG}u) { s += x[i]; }
  let total = reduce_sum(t, s);
  if (t == 0u) { out[p.slot] = p.c * total; }
}
