//! Lambda on loopback: Invoke and the Runtime API around the real function binaries.
