//! Passes the optimization level to the program `limits`: loops that are compiled for size are no limit.
fn main() {
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=BENCHES_OPT_LEVEL={level}");
    println!("cargo::rerun-if-changed=build.rs");
}
