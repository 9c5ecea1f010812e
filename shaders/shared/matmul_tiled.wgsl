// The body of matmul_tile (COLS 1) and matmul_big (COLS 2): a tile of 128 rows x 64 * COLS columns a workgroup of 256 threads, 16 of k at
// a time through workgroup memory, 8 rows x 4 * COLS columns a thread.
// Both operands lie in workgroup memory as [k / 4][k % 4][64 rows or columns][4 of them][4]. What is stored along k (a, or b with TB) is
// transposed on the way in, as four scalars to rows that other threads share, hence array<f32, 4> and not vec4; lanes take two vec4 of k
// of a row each, so that a load fills whole 32-byte sectors and a store meets each bank twice at most in 64 lanes.
// Every read has literal or uniform indices but one: naga clamps dynamic indices, and that would cost more than the arithmetic.
// No edge tests in the loop: rows and columns outside are computed from whatever lies there and not stored. The last tile of k runs
// only the quads it has.
//#import matmul_inputs
//#import matmul_epilogue
//#if TA
var<workgroup> aS: array<array<array<array<vec4<f32>, 16>, 2>, 4>, 4>;
//#else
var<workgroup> aS: array<array<array<array<array<f32, 4>, 16>, 2>, 4>, 4>;
//#end
//#if TB
var<workgroup> bS: array<array<array<array<array<f32, 4>, 16>, ${COLS}>, 4>, 4>;
//#else
var<workgroup> bS: array<array<array<array<vec4<f32>, 16>, ${COLS}>, 4>, 4>;
//#end

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32, @builtin(workgroup_id) w: vec3<u32>) {
  let tx = t % 16u;
  let ty = t / 16u;
  let zb = w.z / p.heads;
  let zh = w.z % p.heads;
//#if NOISE
  zo_start(zb);
//#end
//#if BIAS
  pair0 = p.bias0 / 4u;
//#end
//#if BIAS && PAIR
  pair0 += zb * p.sbias / 4u;
//#end
  let row0 = w.y * 128u;
  let col0 = w.x * ${16*COLS}u;
  let k4 = p.k / 4u;
  let lda = p.lda / 4u;
  let ldb = p.ldb / 4u;
  // Staging by rows of k: thread (kq, kr, tx) loads row 4 kq + kr. Staging along k: thread (lq, lr) loads quad lq of row lr = 4 ly + lc.
  let kq = ty / 4u;
  let kr = ty % 4u;
  let lq = t % 2u + t / 128u * 2u;
  let lr = t / 2u % 64u;
  let ly = lr / 4u;
  let lc = lr % 4u;
  var ai = (p.a0 + zb * p.sab + zh / p.ga * p.sah) / 4u;
//#if TA
  ai += ty * lda + row0 / 4u + tx;
//#else
  ai += (row0 + lr) * lda + lq;
  let a64 = 64u * lda;
//#end
  var bi = (p.b0 + zb * p.sbb + zh / p.gb * p.sbh) / 4u;
//#if TB
  bi += (4u * col0 + lr) * ldb + lq;
  let b64 = 64u * ldb;
//#else
  bi += ty * ldb + col0 + tx;
//#end
//#for i 0 8
//#for v 0 COLS
  var s${i}_${v} = vec4<f32>(0.0);
//#end
//#end
  for (var k = 0u; k < k4; k += 4u) {
//#if TA
    let a0 = a[ai];
    let a1 = a[ai + 16u];
    ai += 16u * lda;
//#else
    let a0 = a[ai];
    let a1 = a[ai + a64];
    ai += 4u;
//#end
//#for v 0 COLS
//#if TB
    let b${v} = load_b(bi + ${v}u * b64);
//#else
    let b${v} = load_b(bi + ${16*v}u);
//#end
//#end
//#if TB
    bi += 4u;
//#else
    bi += 16u * ldb;
//#end
//#for h 0 2
//#if TA
    aS[kq][kr][${h}][tx] = a${h};
//#else
    aS[lq][0][${h}][ly][lc] = a${h}.x; aS[lq][1][${h}][ly][lc] = a${h}.y; aS[lq][2][${h}][ly][lc] = a${h}.z; aS[lq][3][${h}][ly][lc] = a${h}.w;
//#end
//#end
//#for v 0 COLS
//#if TB
    bS[lq][0][${v}][ly][lc] = b${v}.x; bS[lq][1][${v}][ly][lc] = b${v}.y; bS[lq][2][${v}][ly][lc] = b${v}.z; bS[lq][3][${v}][ly][lc] = b${v}.w;
//#else
    bS[kq][kr][${v}][tx] = b${v};
//#end
//#end
    workgroupBarrier();
    let quads = min(4u, k4 - k);
    for (var q = 0u; q < quads; q += 1u) {
//#for j 0 4
      {
//#for h 0 2
//#if TA
        let x${h} = aS[q][${j}][${h}][ty];
//#else
        let x${h} = vec4<f32>(aS[q][${j}][${h}][ty][0], aS[q][${j}][${h}][ty][1], aS[q][${j}][${h}][ty][2], aS[q][${j}][${h}][ty][3]);
//#end
//#end
//#for v 0 COLS
//#if TB
        let y${v} = vec4<f32>(bS[q][${j}][${v}][tx][0], bS[q][${j}][${v}][tx][1], bS[q][${j}][${v}][tx][2], bS[q][${j}][${v}][tx][3]);
//#else
        let y${v} = bS[q][${j}][${v}][tx];
//#end
//#end
//#for v 0 COLS
//#for h 0 2
        s${4*h}_${v} += x${h}.x * y${v}; s${4*h+1}_${v} += x${h}.y * y${v}; s${4*h+2}_${v} += x${h}.z * y${v}; s${4*h+3}_${v} += x${h}.w * y${v};
//#end
//#end
      }
//#end
    }
    workgroupBarrier();
  }
  let ldc = p.ldc / 4u;
  let row = row0 + 4u * ty;
  let col = col0 + tx;
  let n4 = (p.n + 3u) / 4u;
  let ci = (p.c0 + zb * p.scb + zh * p.sch) / 4u + row * ldc + col;
//#for v 0 COLS
  if (col + ${16*v}u < n4) {
//#for i 0 8
    if (row + ${i/4*64+i%4}u < p.m) { put(ci + ${i/4*64+i%4}u * ldc + ${16*v}u, col + ${16*v}u, s${i}_${v}); }
//#end
  }
//#end
}
