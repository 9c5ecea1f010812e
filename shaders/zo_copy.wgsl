// y[b] = w + a_b z for the copies b: a small weight (a bias, a gain), or some columns of a matrix, perturbed for each half of a batch (MeZO,
// 2305.17333). The weight is not written. a_b: scalar b in the header of z; z: from kernel zo_noise, in the order in which w lies. SPARSE:
// only where |w| is at most the threshold in the header. A row of y is c4 vec4; those of w begin at vec4 w0 and are ld4 vec4 apart.
// MAKE: signs (KIND 1) of element e0 of the tensor and on are made here and not read from z (shared/zo_made.wgsl).
// w: [rows, 4 ld4], f32 or bf16, its last row to 4 c4; y: [copies, rows, 4 c4]. Grid: (ceil(c4 / WG), ceil(rows / DEPTH), copies), a thread
// for a vec4 column of DEPTH rows, so that nothing is divided.
// MANY, the number of copies, is for software adapters, where each load costs as much as a dozen sums: a thread has 8 vec4 of a row and makes
// all copies of them from one load of the weight and the noise. c4, ld4 and w0 are multiples of 8 then, and the grid is 2-D over 32768
// workgroups, a thread for each 8 vec4 of a copy. y is =.
//#const WG 64
//#const DEPTH 16
//#const NOISE 1
//#const BF16 0
//#const SPARSE 0
//#const MAKE 0
//#const MANY 0
//#instance NOISE=2
//#instance BF16=1
//#instance SPARSE=1 WG=8
//#instance MAKE=1
//#instance MANY=1
//#instance MANY=2
//#instance MANY=2 BF16=1 NOISE=2 SPARSE=1
//#if MANY
// gpucheck: skip=all (for software adapters)
//#end
//#if MAKE
//#import zo_gen
struct P { rows: u32, c4: u32, ld4: u32, w0: u32, tensor: u32, e0: u32 }
//#else
struct P { rows: u32, c4: u32, ld4: u32, w0: u32 }
//#end
//#if BF16
@group(0) @binding(0) var<storage, read> w: array<vec2<u32>>;
//#else
@group(0) @binding(0) var<storage, read> w: array<vec4<f32>>;
//#end
//#if MAKE
@group(0) @binding(1) var<storage, read> zo: array<u32>;
//#import zo_made
//#else
@group(0) @binding(1) var<storage, read> z: array<u32>;
//#import zo
//#end
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: P;

fn weight(i: u32) -> vec4<f32> {
//#if BF16
  let u = w[i];
  return bitcast<vec4<f32>>(vec4<u32>(u.x << 16u, u.x & 0xffff0000u, u.y << 16u, u.y & 0xffff0000u));
//#else
  return w[i];
//#end
}

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) g: vec3<u32>) {
//#if MANY
  let i = (g.y * 32768u + g.x) * ${WG}u + t;
  let row = i / (p.c4 / 8u);
  if (row >= p.rows) { return; }
  let col = 8u * (i % (p.c4 / 8u));
  let src = p.w0 + row * p.ld4 + col;
  let dst = row * p.c4 + col;
  let second = p.rows * p.c4;
//#if NOISE == 1
  let h = z[8u + src / 8u];
//#end
//#for j 0 8
  let v${j} = weight(src + ${j}u);
//#end
//#for b 0 MANY
  zo_start(${b}u);
//#for j 0 8
//#if NOISE == 1
  y[dst + ${b}u * second + ${j}u] = shifted(v${j}, zo_signs(h >> ${4*j}u));
//#else
  y[dst + ${b}u * second + ${j}u] = shifted(v${j}, zo4(src + ${j}u));
//#end
//#end
//#end
//#else
  let col = g.x * ${WG}u + t;
  if (col >= p.c4) { return; }
  zo_start(g.z);
  let end = min(p.rows, (g.y + 1u) * ${DEPTH}u);
  for (var r = g.y * ${DEPTH}u; r < end; r += 1u) {
    let src = p.w0 + r * p.ld4 + col;
    y[(g.z * p.rows + r) * p.c4 + col] = perturbed(weight(src), src);
  }
//#end
}
