// x = x + 1, a count of what has run.
// x: [1]. Grid: one thread. x is +=.
@group(0) @binding(0) var<storage, read_write> x: array<u32>;

@compute @workgroup_size(1)
fn main() {
  x[0] += 1u;
}
