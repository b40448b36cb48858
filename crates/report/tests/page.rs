//! Pages about hostile and about huge backups.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::BTreeMap;

use rdb_footprint::{Footprint, Generation, Settings};
use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position, Weighing, inspect};
use report::{End, File, MAX_PAGE_BYTES, Sources, page};
use seeding::{
    Code, DatabaseMemory, Finding, MemoryMap, NextSmaller, Plan, PrefixMemory, Reserve, SLOT_RANGES,
    ShardPlan, SlotRange, TypeMemory, Verdict, outcome::Outcome,
};

/// Every one of these would do something, if it were not text.
const HOSTILE: &[&[u8]] = &[
    b"</script><script>alert(1)</script>",
    b"</title></style><img src=x onerror=alert(1)>",
    b"\"onload=\"alert(1)\" x=\"",
    b"'onload='alert(1)' x='",
    b"<!--",
    b"]]>",
    b"&lt;b&gt;&#60;",
    b"{{ style }}{% raw %}",
    b"javascript:alert(1)",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}".as_bytes(),
    b"nul\0nul",
    b"\xff\xfe\xc3\x28",
    b"\x1b]0;title\x07\x1b[2J",
    b"line\r\n\xe2\x80\xa8line",
];

fn settings() -> Settings {
    Settings::new(Generation::Valkey81)
}

/// A file with these keys, each with a prefix of its own.
fn inspected(names: &[&[u8]], hide_keys: bool) -> Inspection {
    let mut rdb = b"REDIS0010\xfe\0".to_vec();
    for name in names {
        let key = [name, &b":key"[..]].concat();
        rdb.extend([&[0, key.len() as u8], &key[..], &[1, b'v']].concat());
    }
    rdb.extend([0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    let options =
        InspectOptions { hide_keys, weighings: vec![Weighing::by(settings())], ..InspectOptions::default() };
    let read = inspect(&rdb[..], &Position::default(), &options, &mut |_| Control::Continue).unwrap();
    let Inspected::Complete(inspection) = read else { panic!("no pause was requested") };
    assert_eq!(inspection.faults, []);
    inspection
}

fn page_of(inspection: &Inspection, findings: &[Finding]) -> String {
    let footprint = Footprint::of([inspection], settings(), false).unwrap();
    let map = MemoryMap::of([inspection], &footprint).unwrap();
    let report = inspection.report();
    let file = File {
        name: String::from_utf8_lossy(HOSTILE[0]).into_owned(),
        contents: &report,
        converted: true,
        converted_contents: Some(&report),
    };
    let sources = Sources {
        title: String::from_utf8_lossy(HOSTILE[1]).into_owned(),
        read_at_ms: 1_800_000_000_000,
        verdict: Some(Verdict::Warn),
        findings,
        footprint: None,
        compared: &[],
        memory: Some(&map),
        plan: None,
        files: vec![file],
        end: None,
    };
    page(&sources).unwrap()
}

const ELEMENTS: &[&str] = &[
    "!doctype", "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
    "h1", "h2", "h3", "p", "b", "bdi", "code", "span", "div", "dl", "dt", "dd", "ol", "ul", "li", "details",
    "script", "summary", "table", "thead", "tbody", "tr", "th", "td", "svg", "g", "rect", "text", "line",
];
const ATTRIBUTES: &[&str] = &[
    "html",
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "id",
    "aria-labelledby",
    "aria-label",
    "aria-hidden",
    "role",
    "tabindex",
    "scope",
    "open",
    "viewbox",
    "preserveaspectratio",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "width",
    "height",
];

/// Every element and attribute of a page, which are those of the template. Nothing else may have become markup.
fn check_markup(page: &str) {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let (body, rest) = body.split_once("<script>").unwrap();
    let (script, foot) = rest.split_once("</script>").unwrap();
    assert!(script.starts_with("\"use strict\";"), "{script}");
    let markup = format!("{head}<style>{body}{foot}");
    let mut rest = markup.as_str();
    while let Some((text, tag)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text:?}");
        let mut tag = tag.strip_prefix('/').unwrap_or(tag);
        let end = tag.find([' ', '>', '/']).unwrap();
        assert!(ELEMENTS.contains(&tag[..end].to_lowercase().as_str()), "{:?}", &tag[..end]);
        tag = &tag[end..];
        loop {
            tag = tag.trim_start();
            if let Some(behind) = tag.strip_prefix('>').or_else(|| tag.strip_prefix("/>")) {
                rest = behind;
                break;
            }
            let end = tag.find([' ', '>', '=', '/']).unwrap();
            assert!(ATTRIBUTES.contains(&tag[..end].to_lowercase().as_str()), "{:?}", &tag[..end]);
            tag = &tag[end..];
            if let Some(value) = tag.strip_prefix("=\"") {
                tag = value.split_once('"').unwrap().1;
            }
        }
    }
}

#[test]
fn hostile_names_are_text_and_hide_nothing() {
    let evidence: Vec<_> = HOSTILE.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let findings: Vec<_> = evidence
        .iter()
        .map(|text| Finding::new(Code::BigKey, text.clone()).about(text).with("key", text.clone()))
        .collect();
    let page = page_of(&inspected(HOSTILE, false), &findings);
    check_markup(&page);
    let hidden = |character: char| {
        character.is_control() && character != '\n'
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert_eq!(page.chars().find(|character| hidden(*character)), None);
    assert!(page.contains(r"nul\x00nul:"), "{page}");
    assert!(page.contains(r"\u{202e}gnp.exe"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
}

#[test]
fn the_policy_allows_the_page_and_nothing_else() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::{Digest as _, Sha256};
    let page = page_of(&inspected(&[b"a"], false), &[]);
    let hash = |element: &str| {
        let begun = page.split_once(&format!("<{element}>")).unwrap().1;
        STANDARD.encode(Sha256::digest(begun.split_once(&format!("</{element}>")).unwrap().0))
    };
    let policy = format!(
        "content=\"default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'\"",
        hash("style"),
        hash("script"),
    );
    assert!(page.contains(&policy), "{}", &page[..600]);
    check_markup(&page);
    for outside in ["http:", "https:", "url(", "@import", "fetch(", "import("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn hidden_keys_stay_hidden() {
    let inspection = inspected(&[b"secret", b"secret"], true);
    let page = page_of(&inspection, &[]);
    assert!(!page.contains("secret"), "{page}");
    assert!(page.contains("string (raw)") && page.contains("(hidden)"), "{page}");
}

#[test]
fn a_page_about_a_huge_cluster_stays_small() {
    let name = |number: usize| format!("{number}\"<&'{}", "\u{202e}&".repeat(200));
    let prefix = |number: usize| PrefixMemory {
        prefix: name(number),
        keys: u64::MAX,
        without_expiry: u64::MAX / 2,
        bytes: u64::MAX / 400,
        error_bytes: u64::MAX / 900,
        alone_bytes: u64::MAX / 100,
    };
    let map = MemoryMap {
        data_bytes: u64::MAX,
        tables_bytes: u64::MAX,
        prefixes: (0..300).map(prefix).collect(),
        merged_bytes: u64::MAX,
        types: vec![
            TypeMemory {
                kind: "string".into(),
                encoding: "raw".into(),
                keys: u64::MAX,
                bytes: u64::MAX / 64
            };
            40
        ],
        databases: vec![DatabaseMemory { index: Some(u64::MAX), keys: u64::MAX, bytes: u64::MAX / 64 }; 64],
        slots: vec![u64::MAX / 1000; SLOT_RANGES],
    };
    let shard =
        ShardPlan { slots: SlotRange::ALL, keys: u64::MAX, used_memory_bytes: u64::MAX, usable_bytes: 1 };
    let plan = Plan {
        node_type: name(1),
        shards: vec![shard; 500],
        reserve: Reserve::default(),
        next_smaller: Some(NextSmaller { node_type: name(2), shards: Some(1), reason: name(3) }),
        start_over_node_types: vec![name(4); 30],
        price: None,
        alternatives: Vec::new(),
    };
    let finding = (0..30).fold(Finding::new(Code::BigKey, name(5)).about(name(6)), |finding, number| {
        // Names of evidence are ours.
        finding.with(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][number % 10], name(number))
    });
    let mut inspection = inspected(&[b"a"], false);
    inspection.biggest = vec![inspection.biggest[0].clone(); 1000];
    inspection.biggest.iter_mut().for_each(|key| key.key = Some(name(7)));
    inspection.aux = BTreeMap::from([("redis-ver".to_owned(), name(8))]);
    let report = inspection.report();
    let file = |number| File {
        name: name(number),
        contents: &report,
        converted: true,
        converted_contents: Some(&report),
    };
    let outcome: Outcome = serde_json::from_value(serde_json::json!({
        "schema": 1, "execution": "e", "outcome": "seeded", "verdict": "ok", "findings": [], "report": "",
        "leftBehind": vec![name(9); 1000],
        "cluster": {"id": name(1), "arn": "a", "endpoint": name(2), "port": 1, "nodeType": name(3), "shards": 1},
        "memory": {"predictedBytes": u64::MAX, "measuredBytes": 0},
    }))
    .unwrap();
    let end = End {
        outcome: &outcome,
        started_at_ms: 1,
        decided_at_ms: i64::MAX,
        created_at_ms: i64::MIN,
        ended_at_ms: 2,
        events: &vec![name(8); 1000],
    };
    let sources = Sources {
        title: name(0),
        read_at_ms: i64::MAX,
        verdict: Some(Verdict::Reject),
        findings: &vec![finding; 1000],
        footprint: None,
        compared: &[],
        memory: Some(&map),
        plan: Some(&plan),
        files: (0..500).map(file).collect(),
        end: Some(end),
    };
    let page = page(&sources).unwrap();
    check_markup(&page);
    assert!(page.len() < MAX_PAGE_BYTES, "{} bytes", page.len());
}
