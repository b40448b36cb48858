//! The code of a function library. Only the functions that it registers are counted.

use super::{Passing, Seen};
use crate::bytes::stop::Result;

/// The function that a library calls for each of its functions (`redis.register_function`, `server.register_function`).
const CALL: &[u8] = b"register_function";

/// Code that arrives in chunks.
#[derive(Debug)]
pub(crate) struct Code {
    left: u64,
    functions: u64,
}

impl Code {
    /// Code of `bytes` bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: bytes, functions: 0 }
    }

    /// The number of calls in a piece of code.
    pub(crate) fn functions(code: &[u8]) -> u64 {
        code.windows(CALL.len()).filter(|window| *window == CALL).count() as u64
    }
}

impl Passing for Code {
    /// Leaves the last bytes, which may be the start of a call, for the next chunk.
    fn feed(&mut self, chunk: &[u8], _: &mut Seen) -> Result<usize> {
        self.functions += Self::functions(chunk);
        let is_last = chunk.len() as u64 >= self.left;
        let done = if is_last { chunk.len() } else { chunk.len().saturating_sub(CALL.len() - 1) };
        self.left -= self.left.min(done as u64);
        Ok(done)
    }

    fn end(&mut self, _: &mut Seen) -> Result<u64> {
        Ok(self.functions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_once_however_code_is_cut() {
        let code = b"#!lua name=a\nredis.register_function('f', g)redis.register_function{}register_functio";
        for size in 17..code.len() {
            let (mut passing, mut at) = (Code::new(code.len() as u64), 0);
            while at < code.len() {
                let end = code.len().min(at + size);
                at += passing.feed(&code[at..end], &mut Seen::default()).unwrap();
            }
            assert_eq!(passing.end(&mut Seen::default()).unwrap(), 2, "{size}");
        }
    }
}
