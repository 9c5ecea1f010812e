// bad(x): NaN or infinity, by the bits. naga makes x != x false for NaN.
fn bad(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }
