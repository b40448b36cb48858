//! What is intact in damaged files comes back, and nothing else.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "common/converting.rs"]
mod converting;
#[path = "../../rdb-scan/tests/common/filling.rs"]
mod filling;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{collections::HashSet, io::Read};

use converting::written;
use rdb_convert::{Options, Plan, Policies, Policy};
use rdb_scan::walk::{Salvage, Step, Walk};
use server::{Server, engines};

/// Database, type, prefixes, key and value of each record, and its range.
type Whole = (u64, u8, Vec<u8>, Vec<u8>, Vec<u8>);

fn records(file: impl Read) -> Vec<(Whole, std::ops::Range<u64>)> {
    let mut walk = Walk::new(file).unwrap();
    let mut records = Vec::new();
    loop {
        match walk.step().unwrap() {
            Step::End => return records,
            Step::Record => {
                let mut value = Vec::new();
                walk.pass(&mut value).unwrap();
                let head = walk.head();
                let whole =
                    (head.database, head.value_type.id(), head.prefixes.clone(), head.key.clone(), value);
                records.push((whole, head.offset..walk.offset()));
            }
            _ => {}
        }
    }
}

fn without_crc(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len();
    file[end - 8..].fill(0);
    file
}

fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn a_changed_byte_costs_only_the_record_that_holds_it() {
    let Some(engine) = engines().into_iter().find(|engine| engine.name == "redis-8.0") else { return };
    let mut server = Server::start(&engine, &[]);
    filling::fill_small(&mut server);
    let file = without_crc(server.save());
    let all = records(&file[..]);
    let known: HashSet<&Whole> = all.iter().map(|(whole, _)| whole).collect();
    let rounds: u64 = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(200);
    let (mut state, mut expected, mut back, mut complete) = (1, 0, 0, 0);
    let (mut invented, mut shown, mut doubted) = (0, 0, 0);
    for round in 0..rounds {
        let at = 9 + noise(&mut state) as usize % (file.len() - 18);
        let mut damaged = file.clone();
        // Every sixth file is cut instead.
        let cut = round % 6 == 5;
        if cut {
            damaged.truncate(at);
        } else {
            damaged[at] = damaged[at].wrapping_add(1 + (noise(&mut state) % 255) as u8);
        }
        let salvage = Salvage::of(&damaged[..]).unwrap().unwrap();
        let found = records(salvage.reader(&damaged[..]));
        let found: HashSet<Whole> = found.into_iter().map(|(whole, _)| whole).collect();
        let at = at as u64;
        let intact = all.iter().filter(|(_, range)| if cut { range.end <= at } else { !range.contains(&at) });
        let (mut wanted, mut there) = (0, 0);
        for (whole, _) in intact {
            wanted += 1;
            there += u64::from(found.contains(whole));
        }
        expected += wanted;
        back += there;
        complete += u64::from(wanted == there);
        // The record that holds the byte may come back changed.
        let others = found.iter().filter(|whole| !known.contains(whole)).count();
        let allowed = usize::from(all.iter().any(|(_, range)| !cut && range.contains(&at)));
        if others > allowed {
            invented += 1;
            shown += u64::from(!salvage.doubtful.is_empty());
            let doubtful = &salvage.doubtful;
            println!("byte {at}: {others} records are not of the original; doubtful {doubtful:?}");
        }
        doubted += u64::from(others <= allowed && !salvage.doubtful.is_empty());
        if wanted != there {
            println!("byte {at}: {there} of {wanted} records; damaged {:?}", salvage.damaged);
        }
        // And it is converted like any other.
        let drop = Policies { field_expiries: Policy::Drop, ..Policies::default() };
        let options = Options { policies: drop, ..Options::new("valkey-8.1".parse().unwrap()) };
        let plan = Plan::of(|| Ok(salvage.reader(&damaged[..])), &options);
        if let Ok(plan) = plan
            && plan.report.refused.is_empty()
        {
            written(salvage.reader(&damaged[..]), &options, &plan).unwrap();
        }
    }
    let percent = |part: u64, of: u64| format!("{}.{:02} %", part * 100 / of, part * 10_000 / of % 100);
    println!("{back} of {expected} records came back, {}", percent(back, expected));
    println!("all that was to come back in {complete} of {rounds} files, {}", percent(complete, rounds));
    println!(
        "{invented} of {rounds} files with records that are not of the original; of {shown} a database is doubtful"
    );
    println!("{doubted} files have a doubtful database, and no such records");
    // Of many files, all records come back from 99.7 %, and one in 6,000 has others beside them. Files differ from run
    // to run, and a small sample may have a few more.
    assert!(back * 100 >= expected * 99, "{back} of {expected} records");
    assert!((complete + 3) * 100 >= rounds * 99, "{complete} of {rounds} files");
    assert!(invented <= 1 + rounds / 1200, "{invented} of {rounds} files");
}

#[test]
fn a_sound_file_is_intact_as_a_whole() {
    let Some(engine) = engines().into_iter().next() else { return };
    let mut server = Server::start(&engine, &[]);
    filling::fill_small(&mut server);
    let file = server.save();
    let salvage = Salvage::of(&file[..]).unwrap().unwrap();
    assert_eq!(salvage.damaged, []);
    assert_eq!(records(salvage.reader(&file[..])).len(), records(&file[..]).len());
    assert_eq!(Salvage::of(&b"not an RDB file"[..]).unwrap(), None);
}
