// Sums and maxima over a workgroup in one fixed order, so that a run repeats bit for bit. The importing file declares WG, 8 or a
// multiple of 8. Every lane must come here, and a caller puts a workgroupBarrier() between two reductions of the same kind, lest a
// lane overwrite what another still has to read. WG = 8 takes one barrier; wider groups fold to eight values first and take two.
var<workgroup> red: array<f32, ${WG}>;
//#if WG > 8
var<workgroup> part: array<f32, 8>;
//#end
fn reduce_sum(t: u32, v: f32) -> f32 {
  red[t] = v;
  workgroupBarrier();
//#if WG > 8
  if (t < 8u) {
    var s = v;
//#for j 1 WG/8
    s += red[t + ${8*j}u];
//#end
    part[t] = s;
  }
  workgroupBarrier();
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
//#else
  return ((red[0] + red[1]) + (red[2] + red[3])) + ((red[4] + red[5]) + (red[6] + red[7]));
//#end
}
