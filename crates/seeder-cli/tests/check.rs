//! `seeder check` as a script sees it: exit status and JSON.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// One string key `k` = `v` in database 0, in RDB version 10 without a checksum.
const SOUND: &[u8] = b"REDIS0010\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";

/// A file with `keys` strings, a third of which expire, and a hash with a name that would clear a terminal.
fn many_keys(keys: u64) -> Vec<u8> {
    let mut rdb = b"REDIS0010\xfa\x09redis-ver\x067.0.15\xfe\x00".to_vec();
    for key in 0..keys {
        if key % 3 == 0 {
            rdb.push(0xfc);
            rdb.extend((4_000_000_000_000 + key).to_le_bytes());
        }
        let name = format!("private:{key:08}");
        rdb.extend([0, name.len() as u8]);
        rdb.extend(name.as_bytes());
        rdb.extend(b"\x05value");
    }
    rdb.extend(b"\x04\x0bp\x1b[2Jrivate\x01\x01f\x01v\xff\0\0\0\0\0\0\0\0");
    rdb
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{name}"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn check(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seeder")).arg("check").args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_sound_file_ends_with_0_and_its_counts() {
    let path = file("sound.rdb", SOUND);
    let output = check(&["--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    assert_eq!((&report["schema"], &report["keys"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(report["rdb"]["crc"], "absent");
    assert_eq!(report["rdb"]["magic"], "REDIS");
    assert_eq!(report["types"]["string"]["keys"], 1);
    assert_eq!(report["databases"][0]["index"], 0);
    let table = check(&[path.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&table.stdout).contains(": sound"));
}

#[test]
fn a_broken_file_ends_with_1_and_says_where() {
    let path = file("short.rdb", &SOUND[..14]);
    let output = check(&["--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["faults"][0]["code"], "truncated");
    assert_eq!(json(&output)["faults"][0]["offset"], 11);
}

#[test]
fn key_names_can_be_hidden() {
    let path = file("hidden.rdb", SOUND);
    let [shown, hidden] = [&[][..], &["--hide-keys"]].map(|flags| {
        let args: Vec<_> =
            ["--json", path.to_str().unwrap()].into_iter().chain(flags.iter().copied()).collect();
        json(&check(&args))["biggest"][0]["key"].clone()
    });
    assert_eq!((shown, hidden), (Value::from("k"), Value::Null));
}

#[test]
fn standard_input_is_read_and_what_cannot_be_read_ends_with_3() {
    let path = file("stdin.rdb", SOUND);
    let piped = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .args(["check", "-", "--json"])
        .stdin(File::open(path).unwrap())
        .output()
        .unwrap();
    assert_eq!((piped.status.code(), &json(&piped)["keys"]), (Some(0), &Value::from(1)));
    let missing = check(&["--json", "/no/such/file.rdb"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(json(&missing)["error"].is_string());
    let pipe = Command::new("sh")
        .args(["-c", "cat \"$1\" | \"$0\" check /dev/stdin", env!("CARGO_BIN_EXE_seeder")])
        .arg(file("piped.rdb", SOUND))
        .output()
        .unwrap();
    assert_eq!(pipe.status.code(), Some(0));
    assert_eq!(check(&["/"]).status.code(), Some(3));
    assert_eq!(check(&[]).status.code(), Some(2));
}

#[test]
fn a_result_that_cannot_be_printed_is_not_a_fault_of_the_backup() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .arg("check")
        .arg(file("unprinted.rdb", SOUND))
        .stdout(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn several_files_are_one_set_and_the_worst_of_them_decides() {
    let paths = [("one.rdb", SOUND), ("two.rdb", &many_keys(10)[..]), ("broken.rdb", &SOUND[..14])]
        .map(|(name, bytes)| file(name, bytes).to_str().unwrap().to_owned());
    let [one, two, broken] = paths.each_ref().map(String::as_str);
    let output = check(&["--json", one, two]);
    assert_eq!(output.status.code(), Some(0));
    let set = json(&output);
    assert_eq!((&set["files"][0]["file"], &set["files"][1]["keys"]), (&one.into(), &11.into()));
    assert_eq!((&set["total"]["keys"], &set["total"]["sound"]), (&12.into(), &2.into()));
    assert_eq!(set["total"]["sharedSlots"], 0);

    assert_eq!(check(&[one, broken]).status.code(), Some(1));
    let output = check(&["--json", broken, "/no/such/file", one]);
    assert_eq!(output.status.code(), Some(3));
    let set = json(&output);
    assert_eq!((&set["total"]["unreadable"], &set["total"]["sound"]), (&1.into(), &1.into()));
    assert_eq!(set["files"][0]["faults"][0]["code"], "truncated");
    assert!(set["files"][1]["error"].as_str().unwrap().contains("No such file"));
    assert_eq!(set["files"][2]["keys"], 1);

    // Both files have keys in the same slots.
    let copy = file("copy.rdb", SOUND);
    let table = check(&[one, copy.to_str().unwrap()]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("2 files, all of them sound: 2 keys"), "{table}");
    assert!(table.contains("1 hash slots hold keys in more than one file"), "{table}");
    assert_eq!(check(&[one, one]).status.code(), Some(2));
}

#[test]
fn the_number_of_threads_changes_nothing_but_the_time() {
    // Large enough for several ranges.
    let path = file("threads.rdb", &many_keys(1_200_000));
    let [one, four] = ["1", "4"].map(|threads| {
        let output = check(&["--json", "--threads", threads, "--top", "3", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0));
        let mut report = json(&output);
        report.as_object_mut().unwrap().remove("timing").unwrap();
        report
    });
    assert_eq!((&one["keys"], one["biggest"].as_array().unwrap().len()), (&1_200_001.into(), 3));
    // Remaining times depend on the moment of each run, but these keys expire only in many years.
    assert_eq!(one, four);
}

#[test]
fn key_names_are_harmless_to_terminals_and_can_be_hidden_everywhere() {
    let mut damaged = many_keys(100);
    let place = damaged.len() - 12;
    damaged[place] = 0xc7;
    for (name, bytes) in [("names.rdb", many_keys(100)), ("damaged.rdb", damaged)] {
        let path = file(name, &bytes);
        let path = path.to_str().unwrap();
        for args in [&[path][..], &[path, "--json"]] {
            let shown = check(args);
            let hidden = check(&[args, &["--hide-keys"]].concat());
            for (output, names) in [(shown, true), (hidden, false)] {
                let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
                assert!(!text.contains('\u{1b}'), "{text}");
                assert_eq!(text.contains("rivate"), names, "{text}");
            }
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let path = file("pipe.rdb", &many_keys(1000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .args(["check", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_cluster_that_is_described_is_planned_and_judged() {
    let path = file("judged.rdb", &many_keys(20_000));
    let path = path.to_str().unwrap();
    // Without a target there is no verdict, but the memory is always reported.
    let without_target = json(&check(&["--json", path]));
    assert_eq!(
        (&without_target["verdict"], without_target["footprints"].as_array().unwrap().len()),
        (&Value::Null, 1)
    );
    assert_eq!(without_target["footprints"][0]["engineVersion"], "8.1");

    let fits = check(&["--json", path, "--engine", "redis", "--engine-version", "7.1", "--shards", "3"]);
    let report = json(&fits);
    assert_eq!((fits.status.code(), &report["verdict"]), (Some(0), &Value::from("ok")));
    let plan = &report["plan"];
    assert_eq!((&plan["nodeType"], plan["shards"].as_array().unwrap().len()), (&"cache.t4g.micro".into(), 3));
    let keys: u64 =
        plan["shards"].as_array().unwrap().iter().map(|shard| shard["keys"].as_u64().unwrap()).sum();
    assert_eq!(keys, 20_001);
    let footprint = &report["footprints"][0];
    assert_eq!((&footprint["clusterMode"], &footprint["calibrated"]), (&true.into(), &true.into()));
    // The hash table of a single server's keys has a power of two as size. Those of three shards are smaller.
    let used = footprint["usedMemoryBytes"].as_u64().unwrap();
    let shards = plan["shards"].as_array().unwrap().iter();
    let sum: u64 = shards.map(|shard| shard["usedMemoryBytes"].as_u64().unwrap()).sum();
    assert!(sum.abs_diff(used) < used / 5, "{sum} {used}");

    let table = check(&[path, "--node-type", "auto", "--headroom-percent", "50"]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.contains("valkey 8.1, cluster mode off: ok"), "{text}");
    assert!(text.contains("plan: 1 x cache.t4g.micro"), "{text}");
    assert!(text.contains('░'), "{text}");
}

#[test]
fn a_serverless_cache_is_judged_by_its_limits() {
    let path = file("serverless.rdb", SOUND);
    let path = path.to_str().unwrap();
    let fits = check(&["--json", path, "--kind", "serverless", "--max-gb", "1"]);
    let report = json(&fits);
    assert_eq!((fits.status.code(), &report["verdict"]), (Some(0), &Value::from("ok")));
    assert_eq!(report["plan"]["nodeType"], "serverless");
    assert_eq!(report["plan"]["shards"][0]["usableBytes"], 1_000_000_000);
    let text = String::from_utf8(check(&[path, "--kind", "serverless"]).stdout).unwrap();
    for part in ["valkey 8.1, serverless: ok", "plan: a serverless cache", "ElastiCache chooses the shards"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_cache_cluster_is_judged_as_one_node_of_redis() {
    let path = file("cache-cluster.rdb", SOUND);
    let path = path.to_str().unwrap();
    for kind in ["cache-cluster", "cacheCluster"] {
        let fits = check(&["--json", path, "--kind", kind]);
        let report = json(&fits);
        assert_eq!((fits.status.code(), &report["verdict"]), (Some(0), &Value::from("ok")));
        assert_eq!(report["plan"]["shards"].as_array().map(Vec::len), Some(1));
        assert_eq!(report["plan"]["shards"][0]["slots"], "0-16383");
    }
    let text = String::from_utf8(check(&[path, "--kind", "cache-cluster"]).stdout).unwrap();
    assert!(text.contains("redis 7.1, cache cluster: ok"), "{text}");
    let newer = file("cache-cluster-newer.rdb", &{
        let mut rdb = many_keys(10);
        rdb[5..9].copy_from_slice(b"0012");
        rdb
    });
    let rejected =
        check(&["--json", newer.to_str().unwrap(), "--kind", "cache-cluster", "--convert", "never"]);
    assert_eq!(json(&rejected)["findings"][0]["code"], "rdb-newer-than-engine");
}

#[test]
fn what_cannot_come_up_ends_with_1_and_the_code_that_could_allow_it() {
    let mut rdb = many_keys(10);
    rdb[5..9].copy_from_slice(b"0012");
    let path = file("newer.rdb", &rdb);
    let path = path.to_str().unwrap();
    let converted = check(&["--json", path, "--engine", "valkey"]);
    assert_eq!((converted.status.code(), &json(&converted)["verdict"]), (Some(0), &Value::from("ok")));
    assert_eq!(json(&converted)["findings"][0]["code"], "converted");
    let filtered = check(&["--json", path, "--engine", "valkey", "--include", "nothing:*"]);
    let found = json(&filtered);
    assert_eq!(found["findings"][0]["code"], "no-keys");
    let evidence = &found["findings"][1]["evidence"];
    assert_eq!((&evidence["keysWritten"], &evidence["from"]), (&Value::from(0), &Value::from("REDIS0012")));
    let rejected = check(&["--json", path, "--engine", "valkey", "--convert", "never"]);
    assert_eq!((rejected.status.code(), &json(&rejected)["verdict"]), (Some(1), &Value::from("reject")));
    assert_eq!(json(&rejected)["findings"][0]["code"], "rdb-newer-than-engine");
    let allowed = check(&["--json", path, "--engine", "valkey", "--allow", "rdb-newer-than-engine"]);
    assert_eq!((allowed.status.code(), &json(&allowed)["verdict"]), (Some(0), &Value::from("warn")));
    // A broken file is rejected too, and has no plan.
    let path = file("broken-judged.rdb", &many_keys(10)[..100]);
    let broken = check(&["--json", path.to_str().unwrap(), "--shards", "2"]);
    let report = json(&broken);
    assert_eq!((broken.status.code(), &report["verdict"]), (Some(1), &Value::from("reject")));
    assert_eq!((&report["plan"], report.get("footprints")), (&Value::Null, None));
}

#[test]
fn dumps_of_a_master_and_its_replica_are_no_two_shards() {
    let [master, replica] = ["same-keys-0001.rdb", "same-keys-0002.rdb"]
        .map(|name| format!("{}/tests/field/{name}", env!("CARGO_MANIFEST_DIR")));
    let rejected = check(&["--json", &master, &replica, "--shards", "2"]);
    assert_eq!(rejected.status.code(), Some(1));
    let total = json(&rejected)["total"].clone();
    assert_eq!((&total["verdict"], &total["sharedSlots"]), (&"reject".into(), &200.into()));
    let finding = &total["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&"shared-slots".into(), &"fail".into()));
    assert_eq!(
        (&finding["backup"], &finding["evidence"]["other"]),
        (&master.as_str().into(), &replica.as_str().into())
    );
    assert_eq!(finding["evidence"]["sharedSlots"], 200);
    let allowed = check(&["--json", &master, &replica, "--shards", "2", "--allow", "shared-slots"]);
    assert_eq!((allowed.status.code(), &json(&allowed)["total"]["verdict"]), (Some(0), &"warn".into()));
    // A single one of them is a valid cluster.
    assert_eq!(check(&[&master, "--shards", "2"]).status.code(), Some(0));
}

#[test]
fn a_patch_level_is_taken_with_a_note() {
    let path = file("patch.rdb", SOUND);
    let path = path.to_str().unwrap();
    let output = check(&["--json", path, "--engine", "redis", "--engine-version", "7.0.15"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["verdict"]), (Some(0), &"ok".into()));
    assert_eq!(report["findings"][0]["evidence"]["taken"], "7.0");
    assert_eq!(report["footprints"][0]["engineVersion"], "7.0");
}

#[test]
fn an_address_that_names_no_object_is_a_wrong_command_line() {
    for (address, reason) in [
        ("https://b.s3.us-east-1.amazonaws.com/a.rdb?X-Amz-Signature=c0ffee", "presigned"),
        ("https://b.s3.amazonaws.com/a.rdb", "names no region"),
        ("gs://b/a.rdb", "`gs://` is not read"),
    ] {
        let output = check(&[address]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(reason) && !error.contains("c0ffee"), "{error}");
    }
}

#[test]
fn every_engine_is_told_and_the_allocator_counts() {
    let path = file("engines.rdb", &many_keys(3000));
    let path = path.to_str().unwrap();
    let all = |quantum| {
        let report = json(&check(&["--json", path, "--all-engines", "--allocator-quantum", quantum]));
        report["footprints"].as_array().unwrap().clone()
    };
    let (careful, other) = (all("16"), all("8"));
    assert_eq!((careful.len(), other.len()), (12, 12));
    for (careful, other) in careful.iter().zip(&other) {
        let bytes = |footprint: &Value| footprint["usedMemoryBytes"].as_u64().unwrap();
        assert!(bytes(careful) >= bytes(other), "{careful} {other}");
    }
    let uncalibrated: Vec<_> = careful.iter().filter(|one| one["calibrated"] == false).collect();
    let versions: Vec<_> = uncalibrated.iter().map(|one| one["engineVersion"].as_str().unwrap()).collect();
    assert_eq!(versions, ["7.2", "7.2"]);
    let table = check(&[path, "--all-engines"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("uncalibrated"));
    // Versions that only AWS has, and versions that were never calibrated.
    for (engine, version, told) in [
        ("valkey", "8.1", "in valkey 8.1\n"),
        ("valkey", "8.2", "in valkey 8.2 (taken for valkey 8.1.1)\n"),
        ("redis", "7.1", "in redis 7.1 (taken for redis 7.0.15)\n"),
        ("valkey", "9.0", "in valkey 9.0 (uncalibrated)\n"),
        ("redis", "6.0", "in redis 6.0 (uncalibrated)\n"),
    ] {
        let text = check(&[path, "--engine", engine, "--engine-version", version]).stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains(told), "{text}");
        assert_eq!(text.contains("memory-model-uncalibrated"), told.contains("uncalibrated"), "{text}");
    }
}

#[test]
fn a_cluster_that_cannot_be_is_a_wrong_command_line() {
    let path = file("usage.rdb", SOUND);
    let path = path.to_str().unwrap();
    for (arguments, told) in [
        (&["--node-type", "cache.r7g.larg"][..], "did you mean cache.r7g.large?"),
        (&["--engine-version", "8.7"], "8.0, 8.1, 8.2"),
        (&["--shards", "0"], "1-500"),
        (&["--shards", "2", "--cluster-mode", "off"], "turn cluster mode on"),
        (&["--allow", "does-not-fitt"], "does-not-fitt"),
        (&["--allow", "backup-corrupt"], "final"),
        (&["--allocator-quantum", "12"], "possible values: 8, 16"),
        (&["--kind", "serverless", "--shards", "3"], "remove shards: a serverless cache has none"),
        (&["--kind", "serverless", "--cluster-mode", "off"], "a serverless cache always has enabled"),
        (&["--kind", "serverless", "--engine", "redis", "--engine-version", "6.2"], "use redis 7 or later"),
        (&["--kind", "serverless", "--max-gb", "5001"], "1 to 5000"),
        (&["--max-gb", "10"], "set kind to serverless"),
        (
            &["--kind", "cache-cluster", "--engine", "valkey"],
            "always has redis; or set kind to replicationGroup",
        ),
        (&["--kind", "cache-cluster", "--shards", "3"], "remove shards: a cache cluster always has 1"),
        (&["--kind", "cache-cluster", "--replicas", "1"], "remove replicasPerShard"),
        (&["--kind", "cache-cluster", "--slots", "even"], "remove slots: a cache cluster has none"),
        (&["--kind", "cache-clusters"], "possible values: replicationGroup, cacheCluster, serverless"),
    ] {
        let output = check(&[&[path], arguments].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}
