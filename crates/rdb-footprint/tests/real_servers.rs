//! Predictions for generated data, against real servers that load it.

#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "these are megabytes")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::fmt::Write as _;

use common::{
    comparison::{Case, Compared, Corpus, compare, corpus},
    filling::{Filling, Manner},
    server::{Engine, Server, engines, engines_of_quantum_8, write_command},
    shapes::{EXPIRING_FIELDS, MANY_EXPIRING_FIELDS, SHAPES, Shape},
};
use rdb_footprint::Generation;

/// The largest error of a prediction.
const LIMIT_PERCENT: f64 = 2.0;

/// The approximate bytes of keys and values in a mixture. With their structures they take 6 to 15 MB in a server.
const MIXTURE_BYTES: u64 = 6_000_000;

/// Keys of all lengths; half of them expire.
const EXPIRING: Manner = Manner { expiring: true, databases: &[], any_keys: true };

/// The same in several databases.
const IN_DATABASES: Manner = Manner { databases: &[0, 1, 5, 15], ..EXPIRING };

const LARGER_THRESHOLDS: &[&str] = &[
    "--hash-max-listpack-entries",
    "2000",
    "--set-max-intset-entries",
    "2000",
    "--zset-max-listpack-entries",
    "1000",
    "--list-max-listpack-size",
    "16",
];

const SMALLER_THRESHOLDS: &[&str] = &[
    "--hash-max-listpack-entries",
    "4",
    "--set-max-intset-entries",
    "4",
    "--zset-max-listpack-entries",
    "4",
    "--list-max-listpack-size",
    "4",
];

#[test]
fn a_mixture_of_all_values_takes_what_is_predicted() {
    let run = Run::new();
    let Some(oldest) = run.oldest() else { return };
    let corpora = run.mixtures("mixture", (oldest, &[]), Manner::default(), SHAPES);
    Run::check(Run::in_all(&corpora, &run.engines, &[false, true]));
}

#[test]
fn expiries_databases_and_keys_of_any_length_take_what_is_predicted() {
    let run = Run::new();
    let Some(oldest) = run.oldest() else { return };
    let one = run.mixtures("mixture that expires", (oldest, &[]), EXPIRING, SHAPES);
    let many = run.mixtures("mixture in 4 databases", (oldest, &[]), IN_DATABASES, SHAPES);
    let mut cases = Run::in_all(&one, &run.engines, &[true]);
    cases.extend(Run::in_all(&many, &run.engines, &[false]));
    let clusters: Vec<_> =
        run.engines.iter().filter(|engine| engine.has_cluster_databases()).cloned().collect();
    cases.extend(Run::in_all(&many, &clusters, &[true]));
    Run::check(cases);
}

#[test]
fn collections_that_the_writer_kept_packed_are_unpacked() {
    let run = Run::new();
    let Some(oldest) = run.oldest() else { return };
    let corpora = run.mixtures(
        "written with larger thresholds",
        (oldest, LARGER_THRESHOLDS),
        Manner::default(),
        SHAPES,
    );
    Run::check(Run::in_all(&corpora, &run.engines, &[false]));
}

#[test]
fn collections_that_the_writer_kept_as_tables_are_packed() {
    let run = Run::new();
    let Some(oldest) = run.oldest() else { return };
    let corpora = run.mixtures(
        "written with smaller thresholds",
        (oldest, SMALLER_THRESHOLDS),
        Manner::default(),
        SHAPES,
    );
    Run::check(Run::in_all(&corpora, &run.engines, &[false]));
}

#[test]
fn files_of_newer_engines_take_what_is_predicted() {
    let run = Run::new();
    // Valkey 8.0 and 8.1 write the same version. Valkey 9.1 writes one that only it reads.
    for (writer, least) in
        [(Generation::Valkey81, Generation::Valkey8), (Generation::Valkey9, Generation::Valkey9)]
    {
        let Some(engine) = run.newer(writer) else { continue };
        let larger = [LARGER_THRESHOLDS, &["--set-max-listpack-entries", "1000"]].concat();
        let smaller = [SMALLER_THRESHOLDS, &["--set-max-listpack-entries", "4"]].concat();
        let readers: Vec<_> =
            run.engines.iter().filter(|engine| engine.generation >= least).cloned().collect();
        let corpora = run.mixtures(&format!("written by {writer}"), (engine, &[]), EXPIRING, SHAPES);
        let mut cases = Run::in_all(&corpora, &readers, &[false, true]);
        for (name, arguments) in [("larger", larger), ("smaller", smaller)] {
            let name = format!("written by {writer} with {name} thresholds");
            let corpora = run.mixtures(&name, (engine, &arguments), Manner::default(), SHAPES);
            cases.extend(Run::in_all(&corpora, &readers, &[false]));
        }
        Run::check(cases);
    }
}

#[test]
fn hashes_with_fields_that_expire_take_what_is_predicted() {
    let run = Run::new();
    let Some(engine) = run.newer(Generation::Valkey9) else { return };
    let corpora = run.mixtures("fields that expire", (engine, &[]), EXPIRING, EXPIRING_FIELDS);
    let mut cases = Run::in_all(&corpora, std::slice::from_ref(engine), &[false, true]);
    let shapes = [EXPIRING_FIELDS, MANY_EXPIRING_FIELDS].concat();
    let corpora = run.mixtures("many fields that expire", (engine, &[]), EXPIRING, &shapes);
    cases.extend(Run::in_all(&corpora, std::slice::from_ref(engine), &[false, true]));
    Run::check(cases);
}

/// The jemalloc in the engines' sources spaces its smallest size classes by 8 bytes, the one of Debian by 16.
#[test]
fn another_quantum_takes_what_is_predicted() {
    let run = Run { engines: engines_of_quantum_8(), ..Run::new() };
    let Some(oldest) = run.oldest() else { return };
    let corpora = run.mixtures("mixture", (oldest, &[]), EXPIRING, SHAPES);
    Run::check(Run::in_all(&corpora, &run.engines, &[false]));
}

/// Ziplists, which 6.2 keeps and the others convert. Its own allocator has a quantum of 8.
#[test]
fn files_of_redis_6_2_take_what_is_predicted() {
    let run = Run::new();
    let all = engines();
    let Some(old) = all.iter().find(|engine| engine.generation == Generation::Redis6) else {
        println!("skipped: there is no Redis 6.2; make servers brings it");
        return;
    };
    let readers: Vec<_> = std::iter::once(old).chain(&run.engines).cloned().collect();
    let mut cases = Vec::new();
    for (name, arguments) in
        [("default", &[][..]), ("larger", LARGER_THRESHOLDS), ("smaller", SMALLER_THRESHOLDS)]
    {
        let name = format!("written by 6.2 with {name} thresholds");
        let corpora = run.mixtures(&name, (old, arguments), EXPIRING, SHAPES);
        cases.extend(Run::in_all(&corpora, &readers, &[false]));
    }
    Run::check(cases);
}

/// A file in which half of the keys are hashes without fields, which all of these engines skip.
#[test]
fn empty_collections_take_nothing() {
    let run = Run::new();
    let mut rdb = b"REDIS0010\xfe\0".to_vec();
    // Names with a counter would be spread over the slots more evenly than those of most data.
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let text = format!("key:{:016x}", state ^ (state >> 29));
        rdb.push(0);
        (0..2).for_each(|_| rdb.extend([&[text.len() as u8], text.as_bytes()].concat()));
        rdb.extend([4, text.len() as u8]);
        rdb.extend([text.replace("key", "set").as_bytes(), &[0]].concat());
    }
    rdb.extend([0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    let file = run.folder.path().join("empty.rdb");
    std::fs::write(&file, rdb).unwrap();
    let corpus = Corpus { name: "half of it empty".to_owned(), seed: 0, file };
    Run::check(Run::in_all(&[corpus], &run.engines, &[false, true]));
}

/// Libraries are in every shard. An empty server with some shows their memory best.
#[test]
fn libraries_of_functions_take_what_is_predicted() {
    // The memory of an empty server varies by some hundred bytes between starts.
    const NOISE_BYTES: u64 = 1500;
    let run = Run::new();
    let Some(writer) = run.oldest() else { return };
    let mut cases = Vec::new();
    for (libraries, functions, code_bytes) in [
        (1, 1, 1000),
        (1, 1, 4 << 20),
        (1, 10, 65_000),
        (1, 1000, 120_000),
        (1, 3000, 3_000_000),
        (100, 1, 1000),
        (100, 5, 2000),
        (10, 30, 40_000),
    ] {
        let name = format!("{libraries} libraries of {functions} functions in {code_bytes} bytes");
        let mut server = Server::writer(writer, &[]);
        server.pour(|out| {
            for library in 0..libraries {
                let mut code = format!("#!lua name=library{library}\n");
                for function in 0..functions {
                    let _ = writeln!(
                        code,
                        "redis.register_function('count_{library}_{function}', function() return 1 end)"
                    );
                }
                let padding = (code_bytes - code.len()).saturating_sub(2);
                code = code + "--" + &"x".repeat(padding);
                write_command(out, &[b"FUNCTION", b"LOAD", code.as_bytes()]);
            }
        });
        let file = run.folder.path().join(format!("{name}.rdb"));
        server.save(&file);
        cases.extend(Run::in_all(&[Corpus { name, seed: 0, file }], &run.engines, &[false]));
    }
    let compared = compare(cases);
    for one in &compared {
        println!("{one}");
        let limit = (one.measured as f64 * LIMIT_PERCENT / 100.0) as u64 + NOISE_BYTES;
        assert!(one.predicted.abs_diff(one.measured) <= limit, "off by more than {limit} bytes: {one}");
    }
}

/// Not a test by itself: `FOOTPRINT_SHAPES=1` prints a table of the errors for one kind of value at a time, which
/// cancel each other in a mixture. `FOOTPRINT_SHAPES=sets` prints those with `sets` in their names.
#[test]
fn single_shapes_are_told_when_asked_for() {
    const SHAPE_BYTES: u64 = 3_000_000;
    let Ok(wanted) = std::env::var("FOOTPRINT_SHAPES") else { return };
    let is_wanted = |shape: &&Shape| wanted == "1" || shape.name.contains(&wanted);
    let run = Run::new();
    let Some(oldest) = run.oldest() else { return };
    for (writing, arguments) in [("", &[][..]), ("large ", LARGER_THRESHOLDS), ("small ", SMALLER_THRESHOLDS)]
    {
        let mut cases = Vec::new();
        for shape in SHAPES.iter().filter(is_wanted) {
            let name = format!("{writing}{}", shape.name);
            let made = run.corpora(&name, (oldest, arguments), Manner::default(), SHAPE_BYTES, |filling| {
                (shape.make)(filling);
            });
            cases.extend(Run::in_all(&made, &run.engines, &[false]));
        }
        println!("{}", table(&compare(cases)));
    }
    let Some(newest) = run.engines.iter().find(|engine| engine.generation == Generation::Valkey9) else {
        return;
    };
    let mut cases = Vec::new();
    for shape in EXPIRING_FIELDS.iter().chain(MANY_EXPIRING_FIELDS).filter(is_wanted) {
        let made = run.corpora(shape.name, (newest, &[]), Manner::default(), SHAPE_BYTES, |filling| {
            (shape.make)(filling);
        });
        cases.extend(Run::in_all(&made, std::slice::from_ref(newest), &[false]));
    }
    println!("{}", table(&compare(cases)));
}

/// State that all tests share.
struct Run {
    engines: Vec<Engine>,
    seeds: std::ops::RangeInclusive<u64>,
    folder: tempfile::TempDir,
}

impl Run {
    /// With one fixed seed, or with as many seeds as `FOOTPRINT_SEEDS` says.
    fn new() -> Self {
        let seeds = std::env::var("FOOTPRINT_SEEDS").map_or(1, |seeds| seeds.parse().unwrap());
        let mut engines = engines();
        engines.retain(|engine| engine.generation != Generation::Redis6);
        Self { engines, seeds: 1..=seeds, folder: tempfile::tempdir().unwrap() }
    }

    /// The engine that writes files which all others read.
    fn oldest(&self) -> Option<&Engine> {
        self.engines.iter().min_by_key(|engine| engine.generation)
    }

    /// An engine that only `make servers` installs.
    fn newer(&self, generation: Generation) -> Option<&Engine> {
        let found = self.engines.iter().find(|engine| engine.generation == generation);
        if found.is_none() {
            println!("skipped: there is no {generation}; make servers brings it");
        }
        found
    }

    fn corpora(
        &self,
        name: &str,
        writer: (&Engine, &[&str]),
        manner: Manner,
        bytes: u64,
        mut make: impl FnMut(&mut Filling<'_>),
    ) -> Vec<Corpus> {
        let folder = self.folder.path();
        self.seeds.clone().map(|seed| corpus(name, seed, writer, manner, bytes, folder, &mut make)).collect()
    }

    /// One file per seed, with about the same number of bytes of each shape.
    fn mixtures(
        &self,
        name: &str,
        writer: (&Engine, &[&str]),
        manner: Manner,
        shapes: &[Shape],
    ) -> Vec<Corpus> {
        let mut bytes = vec![0; shapes.len()];
        self.corpora(name, writer, manner, MIXTURE_BYTES, |filling| {
            let two = [(); 2].map(|()| filling.random.next() as usize % shapes.len());
            let shape = two.into_iter().min_by_key(|shape| bytes[*shape]).unwrap();
            let before = filling.bytes;
            (shapes[shape].make)(filling);
            bytes[shape] += filling.bytes - before;
        })
    }

    fn in_all(corpora: &[Corpus], engines: &[Engine], modes: &[bool]) -> Vec<Case> {
        let of_corpus = |corpus: &Corpus| {
            let of_engine = |engine: &Engine| {
                let case =
                    |cluster_mode| Case { corpus: corpus.clone(), engine: engine.clone(), cluster_mode };
                modes.iter().copied().map(case).collect::<Vec<_>>()
            };
            engines.iter().flat_map(of_engine).collect::<Vec<_>>()
        };
        corpora.iter().flat_map(of_corpus).collect()
    }

    /// Compares all cases, prints the results, and fails if one is beyond the limit.
    fn check(cases: Vec<Case>) {
        let compared = compare(cases);
        for one in &compared {
            println!("{one}");
        }
        let beyond: Vec<_> =
            compared.iter().filter(|one| one.error_percent().abs() > LIMIT_PERCENT).collect();
        let told: Vec<_> = beyond.iter().map(ToString::to_string).collect();
        assert!(beyond.is_empty(), "off by more than {LIMIT_PERCENT} %:\n{}", told.join("\n"));
    }
}

/// One row per file, one column per engine and mode: the measured megabytes, and the error.
fn table(all: &[Compared]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for one in all {
        let name = format!("{} {}", one.case.corpus.name, one.case.corpus.seed);
        if name != last {
            let _ = write!(text, "\n{name:45}");
            last = name;
        }
        let mode = if one.case.cluster_mode { " cluster" } else { "" };
        let _ = write!(
            text,
            "  {}{mode} {:5.1} {:+6.2} %",
            one.case.engine.name,
            one.measured as f64 / 1e6,
            one.error_percent()
        );
    }
    text
}
