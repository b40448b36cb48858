//! The shapes of keys. Lengths and numbers of members determine the encoding that the server chooses, and thus the work
//! of a reader. The contents are hexadecimal text, which compresses a little, as real contents do.
use std::{fmt::Display, io::Result};

use super::{Filling, documents::json};

/// Most members added by one command.
const MEMBERS_PER_COMMAND: u64 = 200;

impl Filling<'_> {
    fn send(&mut self) -> Result<()> {
        self.command.send(self.out)
    }

    /// Creates a key with many members, with commands of bounded length. `member` adds the arguments of each.
    fn members(
        &mut self,
        name: &str,
        key: impl Display,
        count: u64,
        member: impl Fn(&mut Self, u64),
    ) -> Result<()> {
        for number in 1..=count {
            if number % MEMBERS_PER_COMMAND == 1 {
                self.command.begin(name).arg(&key);
            }
            member(self, number);
            if number % MEMBERS_PER_COMMAND == 0 || number == count {
                self.send()?;
            }
        }
        Ok(())
    }

    fn hex_arg(&mut self, prefix: &str, shortest: u64, longest: u64) {
        let text = self.random.hex_between(shortest, longest);
        self.command.arg(format_args!("{prefix}{text}"));
    }

    fn number_arg(&mut self, low: u64, high: u64) {
        self.command.arg(self.random.between(low, high));
    }

    fn fraction_arg(&mut self, limit: f64) {
        self.command.arg(self.random.fraction(limit));
    }

    fn set(&mut self, key: impl Display, value: impl Display) -> Result<()> {
        self.command.begin("SET").arg(key).arg(value);
        self.send()
    }
}

pub(super) fn session(to: &mut Filling<'_>, key: u64) -> Result<()> {
    let value = to.random.hex_between(32, 48);
    to.set(format_args!("user:{key:08}:session"), value)
}

pub(super) fn profile(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("HSET", format_args!("profile:{key}"), 20, |to, field| {
        to.command.arg(format_args!("field{field}"));
        to.hex_arg("", 8, 40);
    })
}

pub(super) fn cart(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("HSET", format_args!("cart:{key}"), 1000, |to, field| {
        to.hex_arg(&format!("f:{field}:"), 8, 8);
        to.hex_arg("", 8, 24);
    })
}

pub(super) fn board(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("ZADD", format_args!("board:{key}"), 20, |to, member| {
        if member % 2 == 0 {
            to.number_arg(1, 1_000_000);
        } else {
            to.fraction_arg(1000.0);
        }
        to.hex_arg("m:", 10, 10);
    })
}

pub(super) fn ranking(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("ZADD", format_args!("lead:{key}"), 10_000, |to, _| {
        to.fraction_arg(1e6);
        to.hex_arg("player:", 8, 16);
    })
}

pub(super) fn recent(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("RPUSH", format_args!("recent:{key}"), 20, |to, _| to.hex_arg("", 8, 40))
}

pub(super) fn queue(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("RPUSH", format_args!("queue:{key}"), 5000, |to, element| {
        if element % 4 == 0 {
            to.number_arg(1, 100_000_000);
        } else {
            to.hex_arg("", 20, 80);
        }
    })
}

/// Creates a set of integers that take two bytes each in every third set, and four bytes in the others.
pub(super) fn numbers(to: &mut Filling<'_>, key: u64) -> Result<()> {
    let highest = if key.is_multiple_of(3) { 30_000 } else { 2_000_000_000 };
    to.members("SADD", format_args!("ids:{key}"), 50, |to, _| to.number_arg(1, highest))
}

pub(super) fn tags(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("SADD", format_args!("tags:{key}"), 10, |to, _| to.hex_arg("tag:", 6, 20))
}

pub(super) fn group(to: &mut Filling<'_>, key: u64) -> Result<()> {
    to.members("SADD", format_args!("group:{key}"), 1000, |to, _| to.hex_arg("member:", 8, 20))
}

/// Creates a stream of 1,000 entries and two groups of three consumers, each with 100 pending entries.
pub(super) fn events(to: &mut Filling<'_>, key: u64) -> Result<()> {
    let name = format!("events:{key}");
    for group in 1..=2 {
        to.command
            .begin("XGROUP")
            .arg("CREATE")
            .arg(&name)
            .arg(format_args!("grp{group}"))
            .arg("0")
            .arg("MKSTREAM");
        to.send()?;
    }
    for entry in 1..=1000_u64 {
        let milliseconds = 1_700_000_000_000 + entry * 37 + key % 10;
        to.command
            .begin("XADD")
            .arg(&name)
            .arg(format_args!("{milliseconds}-{}", entry % 3))
            .arg("type")
            .arg("click");
        to.command.arg("user");
        to.number_arg(1, 1_000_000);
        to.command.arg("payload");
        to.hex_arg("", 16, 60);
        to.send()?;
    }
    for group in 1..=2 {
        for consumer in 1..=3 {
            to.command.begin("XREADGROUP").arg("GROUP").arg(format_args!("grp{group}"));
            to.command
                .arg(format_args!("consumer-{consumer}"))
                .arg("COUNT")
                .arg(100)
                .arg("STREAMS")
                .arg(&name)
                .arg(">");
            to.send()?;
        }
    }
    Ok(())
}

pub(super) fn document(to: &mut Filling<'_>, key: u64) -> Result<()> {
    let text = json(&mut to.random, 10_000);
    to.set(format_args!("doc:{key}"), text)
}

/// Creates a key of a typical cache: of 20 keys, eight are sessions, and the others are of every type.
pub(super) fn mixed(to: &mut Filling<'_>, key: u64) -> Result<()> {
    let name = match key % 20 {
        0..8 => {
            let name = format!("sess:{}", to.random.hex(24));
            let value = to.random.hex_between(20, 120);
            to.set(&name, value)?;
            name
        }
        8..10 => {
            let value = to.random.between(1, 1_000_000_000);
            string(to, format!("cnt:{key}"), value)?
        }
        10 => {
            let value = to.random.between(0, 9999);
            string(to, format!("flag:{key}"), value)?
        }
        11..14 => several(to, "HSET", format!("u:{key}"), (3, 12), |to, field| {
            to.command.arg(format_args!("attr{field}"));
            if field % 3 == 0 {
                to.number_arg(1, 100_000);
            } else {
                to.hex_arg("", 4, 50);
            }
        })?,
        14 => several(to, "ZADD", format!("z:{key}"), (2, 30), |to, _| {
            to.number_arg(1, 100_000);
            let member = to.random.between(1, 10_000_000);
            to.command.arg(format_args!("i{member}"));
        })?,
        15 => several(to, "RPUSH", format!("l:{key}"), (1, 40), |to, _| to.hex_arg("", 5, 60))?,
        16 => several(to, "SADD", format!("s:{key}"), (2, 40), |to, _| to.number_arg(1, 1_000_000))?,
        17 => several(to, "SADD", format!("t:{key}"), (2, 20), |to, _| to.hex_arg("", 6, 30))?,
        18 => record(to, key)?,
        _ => {
            let length = if key % 200 == 19 { 5000 } else { to.random.between(200, 1500) };
            let text = json(&mut to.random, length);
            string(to, format!("doc:{key}"), text)?
        }
    };
    if key.is_multiple_of(2) {
        // In the next century, so that the keys of old files have not expired.
        let milliseconds = 4_102_444_800_000 + to.random.between(1, 1_000_000_000);
        to.command.begin("PEXPIREAT").arg(&name).arg(milliseconds);
        to.send()?;
    }
    Ok(())
}

/// Creates a hash with a document in it, or sometimes a large one.
fn record(to: &mut Filling<'_>, key: u64) -> Result<String> {
    let name = format!("bigh:{key}");
    if key % 400 == 18 {
        to.members("HSET", &name, 800, |to, field| {
            to.command.arg(format_args!("x{field}"));
            to.hex_arg("", 4, 30);
        })?;
    } else {
        let length = to.random.between(100, 600);
        let text = json(&mut to.random, length);
        to.command.begin("HSET").arg(&name).arg("json").arg(text).arg("ver").arg(key);
        to.send()?;
    }
    Ok(name)
}

fn string(to: &mut Filling<'_>, name: String, value: impl Display) -> Result<String> {
    to.set(&name, value)?;
    Ok(name)
}

fn several(
    to: &mut Filling<'_>,
    command: &str,
    name: String,
    counts: (u64, u64),
    member: impl Fn(&mut Filling<'_>, u64),
) -> Result<String> {
    let count = to.random.between(counts.0, counts.1);
    to.members(command, &name, count, member)?;
    Ok(name)
}
