//! The files to mutate: files written by each engine, and one with types that only early versions wrote.

use anyhow::{Context as _, Result};
use rdb_benches::engines::Engine;

use crate::{
    file::{File, Record, Series, Token},
    packed::{Form, Packed},
    server::Server,
};

/// Commands for a few small values of every type in every encoding. `~` is a space within a word.
const SMALL: &str = "
    SET text value
    SET number 12345
    SET compressed aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    SET expiring soon PXAT 4102444800123
    SET expiring soon
    PEXPIREAT expiring 4102444800123
    RPUSH list a b 1 2 -300 a~longer~item
    RPUSH numbers 1 2 3
    SADD intset 1 2 30000 -5
    SADD bigints 1 10000000000 20000000000
    SADD set a b c
    SADD mixed a 1 2
    HSET hash f v n 1 g w
    HSET longhash f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx g v
    ZADD zset 1 a 2.5 b inf c -3 4
    ZADD longzset 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 2 b
    XADD stream 5-1 f v
    XADD stream 5-2 f w g 1
    XADD stream 6-0 f x
    XADD stream 7-0 other 5
    XDEL stream 5-2
    XGROUP CREATE stream busy 0
    XGROUP CREATE stream idle $
    XREADGROUP GROUP busy alice COUNT 2 STREAMS stream >
    XREADGROUP GROUP busy bob COUNT 1 STREAMS stream >
    XGROUP CREATECONSUMER stream idle absent
    XADD emptied 1-1 a b
    XDEL emptied 1-1
    FUNCTION LOAD #!lua~name=lib\\nredis.register_function('f',~function()~return~1~end)
    HSET fields a 1 b 2 c 3
    HPEXPIREAT fields 4102444800123 FIELDS 1 a
    HPEXPIREAT fields 4102444900000 FIELDS 1 b
    HSET longfields a xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx b 2
    HPEXPIREAT longfields 4102444800123 FIELDS 1 a
    SELECT 3
    SET elsewhere 1
    HSET hash f v
";

/// Settings with which small values are stored in the encodings of large ones.
const THRESHOLDS: &str = "
    CONFIG SET hash-max-listpack-entries 1
    CONFIG SET hash-max-ziplist-entries 1
    CONFIG SET zset-max-listpack-entries 1
    CONFIG SET zset-max-ziplist-entries 1
    CONFIG SET set-max-listpack-entries 1
    CONFIG SET set-max-intset-entries 1
    CONFIG SET list-max-listpack-size 2
    CONFIG SET list-max-ziplist-size 2
    CONFIG SET stream-node-max-entries 2
    CONFIG SET maxmemory-policy allkeys-lfu
";

/// A file to mutate and its origin.
#[derive(Debug, Clone)]
pub struct Base {
    /// The engine, and how it wrote the file.
    pub name: String,
    /// The file.
    pub file: File,
}

/// Files that these engines write, and one file with early types.
///
/// # Errors
/// If an engine cannot be started, or its file cannot be parsed.
pub fn bases(engines: &[Engine]) -> Result<Vec<Base>> {
    let mut bases = vec![Base { name: "early types".to_owned(), file: early() }];
    for engine in engines {
        for (how, before) in
            [("packed", "CONFIG SET maxmemory-policy allkeys-lru"), ("as tables", THRESHOLDS)]
        {
            let bytes = Server::start(engine)?.write(&(before.to_owned() + SMALL))?;
            let name = format!("{}, {how}", engine.name);
            let file =
                File::parse(&bytes).with_context(|| format!("{name}: the file cannot be taken apart"))?;
            anyhow::ensure!(file.bytes() == bytes, "{name}: the file put together again is another one");
            bases.push(Base { name, file });
        }
    }
    Ok(bases)
}

/// A file with types that no current server writes, but all of them read.
fn early() -> File {
    let text = |text: &str| Token::Text(text.as_bytes().to_vec());
    let ziplist = |entries: &[&str]| {
        let mut packed = Packed::parse(Form::Opaque, b"");
        packed.form = Form::Ziplist;
        packed.entries =
            entries.iter().map(|entry| [&[entry.len() as u8], entry.as_bytes()].concat()).collect();
        packed
    };
    let key = |type_id: u8, name: &str, value: Vec<Token>, series: Vec<(usize, usize, usize)>| {
        let tokens = [vec![Token::Byte(type_id), text(name)], value].concat();
        // The index of the count and of the first item, and the number of tokens per item. The items extend to the end.
        let series = series.into_iter().map(|(count, start, step)| Series {
            count,
            items: (start..tokens.len()).step_by(step).map(|at| at..at + step).collect(),
        });
        Record { type_id, is_key: true, type_at: 0, series: series.collect(), tokens }
    };
    let score = |score: &str| [Token::Byte(score.len() as u8), Token::Fixed(score.as_bytes().to_vec())];
    let scores = [
        vec![Token::Len(3), text("a")],
        score("1.5").into(),
        vec![text("b")],
        score("-7").into(),
        vec![text("c")],
        score("2e3").into(),
    ]
    .concat();
    let zipmap = b"\x02\x01f\x01\x00v\x01g\x02\x00ww\xff".to_vec();
    let records = vec![
        Record {
            type_id: 254,
            is_key: false,
            type_at: 0,
            series: vec![],
            tokens: vec![Token::Byte(254), Token::Len(0)],
        },
        key(1, "list", vec![Token::Len(3), text("a"), text("b"), text("3")], vec![(2, 3, 1)]),
        key(2, "set", vec![Token::Len(3), text("a"), text("b"), text("c")], vec![(2, 3, 1)]),
        key(
            2,
            "numbers",
            vec![Token::Len(3), text("1"), text("2"), Token::Verbatim(vec![0xc0, 9])],
            vec![(2, 3, 1)],
        ),
        key(3, "scores", scores, vec![(2, 3, 3)]),
        key(4, "hash", vec![Token::Len(2), text("f"), text("v"), text("g"), text("w")], vec![(2, 3, 2)]),
        key(9, "zipmap", vec![Token::Packed(Packed::parse(Form::Opaque, &zipmap))], vec![]),
        key(10, "ziplist list", vec![Token::Packed(ziplist(&["a", "bb", "ccc"]))], vec![]),
        key(12, "ziplist zset", vec![Token::Packed(ziplist(&["a", "1", "b", "2"]))], vec![]),
        key(13, "ziplist hash", vec![Token::Packed(ziplist(&["f", "v", "g", "w"]))], vec![]),
        key(
            14,
            "quicklist",
            vec![Token::Len(2), Token::Packed(ziplist(&["a", "b"])), Token::Packed(ziplist(&["c"]))],
            vec![(2, 3, 1)],
        ),
        key(0, "text", vec![text("value")], vec![]),
    ];
    File { header: b"REDIS0009".to_vec(), records, checksum: true, cut: 0, behind: Vec::new() }
}
