//! Tells the program `limits` whether it is compiled for speed: loops that are compiled for size are no limit.
fn main() {
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=BENCHES_OPT_LEVEL={level}");
    println!("cargo::rerun-if-changed=build.rs");
}
