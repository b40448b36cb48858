//! The tables of JSON members in docs/CHECK.md and docs/RESULT.md, from the structs that are serialized, and whether
//! real output has exactly these members.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{collections::BTreeSet, fmt::Write as _, fs, io::Write as _};

use docs_tests::{Field, Kind, Source, Table, check_table};
use flate2::write::GzEncoder;
use serde_json::{Map, Value};

fn source() -> Source {
    Source::read(&[
        "crates/rdb-scan/src/fault.rs",
        "crates/rdb-scan/src/format.rs",
        "crates/rdb-scan/src/inspection.rs",
        "crates/rdb-scan/src/inspection/expiry.rs",
        "crates/rdb-scan/src/inspection/report.rs",
        "crates/rdb-scan/src/inspection/sample.rs",
        "crates/seeder-cli/src/check/json.rs",
        "crates/seeding/src/facts/location.rs",
        "crates/seeding/src/facts/prices.rs",
        "crates/seeding/src/finding.rs",
        "crates/seeding/src/flow/steps.rs",
        "crates/seeding/src/record/seeding.rs",
        "crates/seeding/src/verdict/judge.rs",
        "crates/seeding/src/verdict/memory.rs",
        "crates/seeding/src/verdict/plan.rs",
        "crates/seeding/src/verdict/report.rs",
    ])
}

/// Members of a struct and of those inside it, except of those that have a table of their own: path and meaning.
fn members(source: &Source, name: &str, path: &str, elsewhere: &[&str]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for field in source.fields(name).unwrap() {
        assert!(!field.meaning.is_empty(), "{name}.{} has no comment", field.name);
        let here = format!("{path}{}", field.name);
        let inner = field.kind.name();
        let below = format!("{here}{}.", field.kind.suffix());
        all.push((here, meaning(source, &field)));
        if source.fields(inner).is_some() && !elsewhere.contains(&inner) {
            all.extend(members(source, inner, &below, elsewhere));
        }
    }
    all
}

/// Members of a file that was read, and of one that could not be read.
fn of_a_file(source: &Source) -> Vec<(String, String)> {
    let mut all = members(source, "ReadFile", "", &[]);
    let unreadable = members(source, "UnreadableFile", "", &[]);
    for (path, meaning) in unreadable {
        if all.iter().all(|(known, _)| *known != path) {
            all.push((path, meaning));
        }
    }
    all
}

fn about_the_cluster(source: &Source) -> Vec<(String, String)> {
    members(source, "ClusterReport", "", &[])
}

/// Members of several files; those about the cluster have a table of their own.
fn of_several_files(source: &Source) -> Vec<(String, String)> {
    let mut all = members(source, "SeveralFiles", "", &["FileReport"]);
    let cluster = about_the_cluster(source);
    all.retain(|(path, _)| cluster.iter().all(|(other, _)| path.strip_prefix("total.") != Some(other)));
    all
}

fn meaning(source: &Source, field: &Field) -> String {
    let mut meaning = field.meaning.clone();
    // Words that the field may have.
    if let Some(variants) = source.variants(field.kind.name()) {
        for (word, what) in variants {
            let _ = write!(meaning, " `{word}`: {}", lower_case_start(what));
        }
    }
    if field.skipped && !meaning.contains("absent") {
        meaning += " Absent if there is none.";
    }
    meaning
}

fn lower_case_start(text: &str) -> String {
    let (head, tail) = text.split_at(1);
    head.to_ascii_lowercase() + tail
}

fn table(members: Vec<(String, String)>) -> Table {
    let mut table = Table::new(["member", "meaning"]);
    for (path, meaning) in members {
        table.row([&format!("`{path}`"), &meaning]);
    }
    table
}

#[test]
fn the_members_of_a_file_are_those_of_the_code() {
    check_table("CHECK.md", "members of a file", &table(of_a_file(&source())));
}

#[test]
fn the_members_about_the_cluster_are_those_of_the_code() {
    check_table("CHECK.md", "members about the cluster", &table(about_the_cluster(&source())));
}

#[test]
fn the_members_of_several_files_are_those_of_the_code() {
    check_table("CHECK.md", "members of several files", &table(of_several_files(&source())));
}

/// The parts of a report that docs/CHECK.md documents are not repeated.
#[test]
fn the_members_of_the_report_are_those_of_the_code() {
    let source = source();
    let report = &["Finding", "FootprintReport", "MemoryMap", "Plan", "Report", "Header"];
    let report = members(&source, "Assessment", "", report);
    check_table("RESULT.md", "members of the report", &table(report));
}

#[test]
fn the_members_of_a_seeded_cluster_are_those_of_the_code() {
    check_table("RESULT.md", "members of the cluster", &table(members(&source(), "ClusterInfo", "", &[])));
}

#[test]
fn the_members_of_a_backup_are_those_of_the_code() {
    let source =
        Source::read(&["crates/seeder-cli/src/backup/report.rs", "crates/seeder-cli/src/backup/save.rs"]);
    for (name, title) in [("Done", "backup"), ("Saved", "saved")] {
        check_table("RUNNING.md", &format!("{title} members"), &table(members(&source, name, "", &[])));
    }
}

#[test]
fn the_members_of_a_finding_are_those_of_the_code() {
    check_table("RESULT.md", "members of a finding", &table(members(&source(), "Finding", "", &[])));
}

/// Members of real output, by the paths of the tables.
#[derive(Default)]
struct Seen {
    paths: BTreeSet<String>,
}

impl Seen {
    /// Asserts that an object has the members of a struct: no others, and all that are never absent.
    fn object(&mut self, source: &Source, name: &str, value: &Value, path: &str) {
        let fields = source.fields(name).unwrap();
        let object = value.as_object().unwrap_or_else(|| panic!("{path} is no object: {value}"));
        for member in object.keys() {
            assert!(fields.iter().any(|field| field.name == *member), "{path}{member} is not documented");
        }
        for field in &fields {
            let here = format!("{path}{}", field.name);
            match object.get(&field.name) {
                Some(value) => self.value(source, field, &field.kind, value, &here),
                None => assert!(field.optional, "{here} is documented as always present"),
            }
        }
    }

    fn value(&mut self, source: &Source, field: &Field, kind: &Kind, value: &Value, path: &str) {
        self.paths.insert(path.to_owned());
        if value.is_null() {
            assert!(field.nullable, "{path} is null");
            return;
        }
        match kind {
            Kind::Plain(name) if name == "FileReport" => self.file(source, value),
            Kind::Plain(name) if source.fields(name).is_some() => {
                self.object(source, name, value, &format!("{path}."));
            }
            Kind::Plain(name) => {
                if let (Some(variants), Some(text)) = (source.variants(name), value.as_str()) {
                    assert!(variants.iter().any(|(word, _)| word == text), "{path} is {text}");
                }
            }
            Kind::List(inner) => {
                for item in value.as_array().unwrap() {
                    self.value(source, field, inner, item, &format!("{path}[]"));
                }
            }
            Kind::Map(inner) => {
                for item in value.as_object().unwrap().values() {
                    self.value(source, field, inner, item, &format!("{path}.*"));
                }
            }
        }
    }

    fn file(&mut self, source: &Source, value: &Value) {
        let name = if value.get("error").is_some() { "UnreadableFile" } else { "ReadFile" };
        self.object(source, name, value, "file.");
    }

    /// One object for a file and the cluster.
    fn file_and_cluster(&mut self, source: &Source, output: &Value) {
        let of_the_cluster = source.fields("ClusterReport").unwrap();
        let (mut file, mut cluster) = (Map::new(), Map::new());
        for (name, value) in output.as_object().unwrap() {
            let is_clusters = of_the_cluster.iter().any(|field| field.name == *name);
            let part = if is_clusters { &mut cluster } else { &mut file };
            part.insert(name.clone(), value.clone());
        }
        self.file(source, &Value::Object(file));
        if cluster.contains_key("verdict") {
            self.object(source, "ClusterReport", &Value::Object(cluster), "cluster.");
        }
    }
}

#[test]
fn the_output_has_the_members_of_the_tables_and_no_others() {
    let source = source();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let all = file("all.rdb", &many_databases());
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&many_databases()).unwrap();
    let compressed = file("all.rdb.gz", &gzip.finish().unwrap());
    let page = file("page.rdb", b"<!DOCTYPE html><html><body>404</body></html>");
    let broken = file("broken.rdb", b"REDIS0010\xfe\0\0\x01k");
    let tagged = file("tagged.rdb", &big_values("{tag}"));
    let big = file("big.rdb", &big_values(""));
    let prices = file("prices.json", PRICES);
    let missing = "/no/such/file";
    let grown = ["--headroom-percent", "1000"];
    let mut seen = Seen::default();
    for words in [
        vec![&all, &page, missing],
        vec![&all, &compressed, "--shards", "2"],
        vec![&all],
        vec![&all, "--all-engines"],
        vec![&all, "--hide-keys", "--engine", "redis"],
        vec![&broken, "--engine", "redis"],
        vec![&page],
        vec![missing],
        vec![&tagged, "--shards", "3"],
        vec![&all, "--node-type", "auto", "--prices", &prices],
        [vec![&big, "--node-type", "auto"], grown.to_vec()].concat(),
        [vec![&big, "--cluster-mode", "on", "--node-type", "cache.t4g.micro"], grown.to_vec()].concat(),
    ] {
        let output: Value = serde_json::from_str(&seeder_cli::check_json(&words).unwrap()).unwrap();
        if output.get("files").is_some() {
            seen.object(&source, "SeveralFiles", &output, "");
        } else {
            seen.file_and_cluster(&source, &output);
        }
    }
    let documented = [
        ("", of_several_files(&source)),
        ("file.", of_a_file(&source)),
        ("cluster.", about_the_cluster(&source)),
    ];
    for (part, members) in documented {
        for (path, _) in members {
            assert!(
                seen.paths.contains(&format!("{part}{path}")),
                "no output has {path}: is it documented in vain?"
            );
        }
    }
}

/// What `seeder prices` keeps.
const PRICES: &[u8] = br#"{"schema": 1, "region": "eu-west-1", "currency": "USD", "asOf": "2026-11-01",
    "publishedAt": "2026-10-01T00:00:00Z",
    "perNodeHour": {"valkey": {"cache.t4g.micro": 0.1, "cache.t4g.small": 0.2, "cache.r7g.large": 0.3}}}"#;

/// More databases than are listed, and keys that expire and have not been used for five seconds.
fn many_databases() -> Vec<u8> {
    let mut rdb = b"REDIS0010\xfa\x09redis-ver\x067.0.15".to_vec();
    for database in 0..1030_u16 {
        let [high, low] = database.to_be_bytes();
        rdb.extend([0xfe, 0x40 | high, low]);
        rdb.extend(b"\xfc\0\x10\xa5\xd4\xe8\x03\0\0\xf8\x05\0\x05key:1\x01v");
    }
    rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
    rdb
}

/// 40 MB, compressed to half a megabyte: values of one letter.
fn big_values(tag: &str) -> Vec<u8> {
    const COPIES: u32 = 1_500;
    let mut rdb = b"REDIS0010\xfe\0".to_vec();
    for number in 0..100 {
        let key = format!("{tag}key:{number:03}");
        rdb.extend([0, u8::try_from(key.len()).unwrap()]);
        rdb.extend(key.as_bytes());
        // The letter, and then copies of 264 bytes from one byte before.
        rdb.extend([0xc3, 0x80]);
        rdb.extend((2 + 3 * COPIES).to_be_bytes());
        rdb.push(0x80);
        rdb.extend((1 + 264 * COPIES).to_be_bytes());
        rdb.extend(b"\0a");
        rdb.extend([0xe0, 0xff, 0].repeat(COPIES as usize));
    }
    rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
    rdb
}
