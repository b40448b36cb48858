//! A sample of `make differential` on every installed server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use differential::{
    corpus::bases,
    mutation::Mutant,
    run::{Bench, Cell, mutant},
};
use rdb_benches::engines::{Engine, listed};

/// Time limit, however slow the machine is.
const MOST: Duration = Duration::from_secs(40);

fn engines() -> Vec<Engine> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/list");
    let engines: Vec<_> = listed(&fs::read_to_string(list).unwrap_or_default()).collect();
    if engines.is_empty() {
        println!("skipped: make servers brings the engines that are asked here");
    }
    engines
}

#[test]
fn every_engine_does_with_a_mutant_what_our_verdict_says() {
    let engines = engines();
    if engines.is_empty() {
        return;
    }
    let bases = bases(&engines).unwrap();
    let mut bench = Bench::start(&engines).unwrap();
    let (began, mut wrong, mut done) = (Instant::now(), Vec::new(), 0);
    for number in 0..400 {
        if began.elapsed() > MOST {
            break;
        }
        let (base, mutant) = mutant(&bases, 2, number).unwrap();
        wrong.extend(
            bench.run(number, base, &mutant).unwrap().into_iter().filter(|case| case.cell.is_wrong()),
        );
        done += 1;
    }
    println!("{done} mutants on {} engines", engines.len());
    assert!(done > 0);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The unchanged files of every engine: at least one engine loads each of them, and no verdict is wrong.
#[test]
fn every_engine_loads_what_it_and_others_wrote() {
    let engines = engines();
    if engines.is_empty() {
        return;
    }
    let bases = bases(&engines).unwrap();
    let mut bench = Bench::start(&engines).unwrap();
    for base in &bases {
        let keys = base.file.records.iter().filter(|record| record.is_key).count();
        let whole = Mutant { what: "nothing".to_owned(), bytes: base.file.bytes(), keys };
        let cases = bench.run(0, &base.name, &whole).unwrap();
        assert!(cases.iter().all(|case| !case.cell.is_wrong()), "{cases:#?}");
        let loads =
            cases.iter().filter(|case| matches!(case.cell, Cell::SoundLoads | Cell::WarnedLoads)).count();
        assert!(loads > 0, "{}: {cases:#?}", base.name);
    }
}
