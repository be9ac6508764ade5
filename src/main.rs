//! The binary: errors made readable, arguments parsed, the library called.

fn main() {}
