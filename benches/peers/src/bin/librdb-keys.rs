//! Counts the keys of a file with librdb, through its crate. It verifies the checksum.
use std::error::Error;

use librdb::{KeyInfo, Parser, RdbHandlers};

#[derive(Default)]
struct Keys(u64);

impl RdbHandlers for Keys {
    fn handle_new_key(&mut self, _key: &[u8], _info: &KeyInfo) -> librdb::Result<()> {
        self.0 += 1;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: librdb-keys FILE")?;
    let mut parser = Parser::new(Keys::default())?;
    parser.parse_file(path)?;
    println!("{} keys", parser.handler().0);
    Ok(())
}
