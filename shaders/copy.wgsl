// y = x, to the bit: words are moved as integers, since an adapter may change floats that are NaN or below 2^-126.
// x, y: [n], n = 4 n4, f32 or (BF16) bf16. Grid: one thread a vec4, 2-D over 32768 workgroups. y is =.
//#const WG 64
//#const BF16 0
//#instance BF16=1
//#instance WG=8
struct P { n4: u32 }
//#if BF16
@group(0) @binding(0) var<storage, read> x: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<u32>>;
//#else
@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<u32>>;
//#end
@group(0) @binding(2) var<uniform> p: P;

@compute @workgroup_size(${WG})
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) g: vec3<u32>) {
  let i = (g.y * 32768u + g.x) * ${WG}u + t;
  if (i < p.n4) { y[i] = x[i]; }
}
