// The maximum over a workgroup, under the rules of shared/reduce.wgsl and with memory of its own: a sum may follow without a barrier.
var<workgroup> top: array<f32, ${WG}>;
//#if WG > 8
var<workgroup> crest: array<f32, 8>;
//#end
fn reduce_max(t: u32, v: f32) -> f32 {
  top[t] = v;
  workgroupBarrier();
//#if WG > 8
  if (t < 8u) {
    var s = v;
//#for j 1 WG/8
    s = max(s, top[t + ${8*j}u]);
//#end
    crest[t] = s;
  }
  workgroupBarrier();
  return max(max(max(crest[0], crest[1]), max(crest[2], crest[3])), max(max(crest[4], crest[5]), max(crest[6], crest[7])));
//#else
  return max(max(max(top[0], top[1]), max(top[2], top[3])), max(max(top[4], top[5]), max(top[6], top[7])));
//#end
}
