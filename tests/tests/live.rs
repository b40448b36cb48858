//! `seeder seed redis://…`: live servers become clusters, and nothing is left of what breaks off.

use std::{
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use local_stack::{Stack, StackOptions, free_port};
use redis::aio::MultiplexedConnection;
use serde_json::Value;
use system_tests::{
    data::{fill_bytes, fill_mixed},
    digest::{differences, digest},
    listener::{Listener, TOPIC_ARN},
    process::KilledOnDrop,
    source::Source,
    user,
};

/// The delay of a server before it sends a data set is for replicas that may come.
const AT_ONCE: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

/// `seeder seed` with the environment of `make local`.
fn seeder(stack: &Stack, words: &[&str]) -> Command {
    let mut command = Command::new(StackOptions::default().binaries.join("seeder"));
    command.args(["seed", "--json"]).args(words).envs(stack.env()).env("RUST_BACKTRACE", "1");
    for variable in ["SEEDER_PASSWORD", "SEEDER_USERNAME", "REDISCLI_AUTH"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn end(process: Child) -> Result<Output> {
    Ok(tokio::task::spawn_blocking(move || process.wait_with_output()).await??)
}

/// Runs it, and expects that it seeds. Returns the outcome.
async fn seed(stack: &Stack, words: &[&str]) -> Result<Value> {
    let output = end(seeder(stack, words).spawn()?).await?;
    ensure!(output.status.code() == Some(0), "{words:?}: {}", printed(&output));
    serde_json::from_slice(&output.stdout).with_context(|| printed(&output))
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn url(source: &Source) -> String {
    format!("redis://{}", source.address())
}

/// Nothing was uploaded, nothing is being uploaded, and nothing was started.
async fn nothing_is_left(stack: &Stack) -> Result<()> {
    let bucket = stack.drop_bucket();
    let objects = stack.s3().list_objects_v2().bucket(bucket).send().await?;
    let uploads = stack.s3().list_multipart_uploads().bucket(bucket).send().await?;
    ensure!(objects.contents().is_empty() && uploads.uploads().is_empty(), "{objects:?} {uploads:?}");
    ensure!(user::executions_about(stack, "").await?.is_empty(), "an execution was started");
    Ok(())
}

/// Waits until the server's child process saves or sends.
async fn until_it_forks(connection: &mut MultiplexedConnection) -> Result<()> {
    for _ in 0..3000 {
        if is_saving(connection).await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("no child process within a minute")
}

async fn is_saving(connection: &mut MultiplexedConnection) -> Result<bool> {
    let info: String = redis::cmd("INFO").arg("persistence").query_async(connection).await?;
    Ok(info.contains("rdb_bgsave_in_progress:1"))
}

/// Three masters that are a cluster, with strings, hashes and sorted sets on all of them.
async fn three_masters() -> Result<Vec<Source>> {
    let mut masters = Vec::new();
    for _ in 0..3 {
        let bus = free_port()?.to_string();
        let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus];
        masters.push((Source::start_with("7.0", &[&AT_ONCE[..], &cluster].concat()).await?, bus));
    }
    let ends = [0, 5461, 10_923, 16_384];
    for (number, (master, _)) in masters.iter().enumerate() {
        let (first, last) = (ends[number].to_string(), (ends[number + 1] - 1).to_string());
        master.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await?;
        master.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]).await?;
    }
    for (other, bus) in &masters[1..] {
        let address = other.address();
        let port = address.rsplit(':').next().unwrap_or_default();
        masters[0].0.command(&["CLUSTER", "MEET", "127.0.0.1", port, bus]).await?;
    }
    for (master, _) in &masters {
        let mut connection = master.connect().await?;
        let mut info = String::new();
        for _ in 0..600 {
            info = redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await?;
            if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        ensure!(info.contains("cluster_state:ok"), "{info}");
        for number in 0..3000 {
            let key = format!("key:{number}");
            let slot: usize =
                redis::cmd("CLUSTER").arg("KEYSLOT").arg(&key).query_async(&mut connection).await?;
            let (first, last) = own_slots(master, &masters, ends);
            if !(first..last).contains(&slot) {
                continue;
            }
            let text = number.to_string();
            let words: &[&str] = match number % 3 {
                0 => &["SET", &key, &text, "EX", "1000000"],
                1 => &["HSET", &key, "a", &text, "b", "x"],
                _ => &["ZADD", &key, &text, "m"],
            };
            master.command(words).await?;
        }
    }
    Ok(masters.into_iter().map(|(master, _)| master).collect())
}

fn own_slots(master: &Source, masters: &[(Source, String)], ends: [usize; 4]) -> (usize, usize) {
    let number = masters.iter().position(|(other, _)| other.address() == master.address()).unwrap_or(0);
    (ends[number], ends[number + 1])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_three_masters_becomes_one_of_five_shards() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let masters = three_masters().await?;
    let outcome = seed(&stack, &[&url(&masters[1]), "--cluster", "--id", "five", "--shards", "5"]).await?;
    ensure!(outcome["outcome"] == "seeded" && outcome["cluster"]["shards"] == 5, "{outcome:#}");
    ensure!(outcome["backup"]["shards"].as_array().map(Vec::len) == Some(3), "{outcome:#}");
    ensure!(outcome["backup"]["keys"] == 3000, "{outcome:#}");
    let addresses: Vec<_> = masters.iter().map(Source::address).collect();
    let primaries = user::primaries(&stack, "five").await?;
    ensure!(primaries.len() == 5, "{primaries:?}");
    let (before, after) = (digest(&addresses, 0).await?, digest(&primaries, 0).await?);
    let differences = differences(&before, &after);
    ensure!(before.len() == 3000 && differences.is_empty(), "{} keys, {differences:#?}", before.len());
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_a_sentinel_watches_is_seeded_from_its_replica() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let master = Source::start_with("7.0", &AT_ONCE).await?;
    fill_mixed(&master, 500, "k:").await?;
    let address = master.address().replace(':', " ");
    let replica = Source::start_with("7.0", &[&AT_ONCE[..], &["--replicaof", &address]].concat()).await?;
    let folder = tempfile::tempdir()?;
    // Sentinels write their configuration.
    let config = folder.path().join("sentinel.conf");
    std::fs::write(&config, format!("sentinel monitor orders {address} 1\n"))?;
    let port = free_port()?;
    let mut command = Command::new(master.server().path());
    command.arg(&config).args(["--sentinel", "--bind", "127.0.0.1", "--port", &port.to_string()]);
    let _sentinel = KilledOnDrop(command.stdout(Stdio::null()).spawn()?);
    let sentinel = format!("redis://127.0.0.1:{port}");
    // It asks the master for its replicas every ten seconds.
    let client = redis::Client::open(&*sentinel)?;
    for _ in 0..300 {
        if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
            let info: String = redis::cmd("INFO").arg("sentinel").query_async(&mut connection).await?;
            if info.contains("slaves=1") {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let process = seeder(&stack, &[&sentinel, "--sentinel", "orders", "--id", "watched"]).spawn()?;
    let output = end(process).await?;
    ensure!(output.status.code() == Some(0), "{}", printed(&output));
    let mut connection = replica.connect().await?;
    let sent: String = redis::cmd("INFO").arg("stats").query_async(&mut connection).await?;
    ensure!(sent.contains("sync_full:1"), "the replica sent no backup: {sent}");
    let (before, after) =
        (digest(&[master.address()], 0).await?, digest(&user::primaries(&stack, "watched").await?, 0).await?);
    let differences = differences(&before, &after);
    ensure!(before.len() >= 500 && differences.is_empty(), "{} keys, {differences:#?}", before.len());
    stack.stop().await
}

/// All keys as of one moment, which is that of the child process, and nothing of what was written while it sent them.
/// `LIVE_KEYS=1000000` in the environment takes that many.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_during_the_transfer_is_absent() -> Result<()> {
    let keys: u64 = std::env::var("LIVE_KEYS").map_or(Ok(20_000), |keys| keys.parse())?;
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start_with("7.0", &AT_ONCE).await?;
    fill_mixed(&source, keys, "old:").await?;
    let mut connection = source.connect().await?;
    source.command(&["CLIENT", "PAUSE", "60000", "WRITE"]).await?;
    let copy = source.save().await?;
    // In microseconds: sending takes some seconds.
    let delay = (4_000_000 / keys).max(1).to_string();
    source.command(&["CONFIG", "SET", "rdb-key-save-delay", &delay]).await?;
    let process =
        seeder(&stack, &[&url(&source), "--id", "paused", "--shards", "3", "--node-type", "cache.t4g.small"])
            .spawn()?;
    until_it_forks(&mut connection).await?;
    source.command(&["CLIENT", "UNPAUSE"]).await?;
    let mut written = 0;
    while is_saving(&mut connection).await? {
        written += 1;
        redis::cmd("SET").arg(format!("new:{written}")).arg("x").exec_async(&mut connection).await?;
        let number = written % keys;
        redis::cmd("DEL").arg(format!("old:{number}")).exec_async(&mut connection).await?;
        redis::cmd("SET").arg(format!("old:{}", keys - number)).arg("y").exec_async(&mut connection).await?;
    }
    ensure!(written > 10, "{written} writes while it was sent");
    let output = end(process).await?;
    ensure!(output.status.code() == Some(0), "{}", printed(&output));
    let dir = tempfile::tempdir()?;
    std::fs::copy(copy, dir.path().join("copy.rdb"))?;
    let place = dir.path().to_string_lossy().into_owned();
    let paused = Source::start_with("7.0", &["--dir", &place, "--dbfilename", "copy.rdb"]).await?;
    let before = digest(&[paused.address()], 0).await?;
    let differences = differences(&before, &digest(&user::primaries(&stack, "paused").await?, 0).await?);
    ensure!(before.len() as u64 >= keys && differences.is_empty(), "{} keys, {differences:#?}", before.len());
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_killed_and_a_command_that_is_leave_nothing() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    for is_source in [true, false] {
        let source = Source::start_with("7.0", &AT_ONCE).await?;
        fill_bytes(&source, 30).await?;
        // In microseconds: sending takes half a minute, and is in the middle for all of it.
        source.command(&["CONFIG", "SET", "rdb-key-save-delay", "1000"]).await?;
        let mut connection = source.connect().await?;
        let process = seeder(&stack, &[&url(&source), "--id", "never"]).spawn()?;
        until_it_forks(&mut connection).await?;
        let uploads = stack.s3().list_multipart_uploads().bucket(stack.drop_bucket()).send().await?;
        ensure!(uploads.uploads().len() == 1, "{uploads:?}");
        let status = if is_source {
            drop(source);
            3
        } else {
            let id = process.id().to_string();
            ensure!(Command::new("kill").args(["-TERM", &id]).status()?.success(), "kill {id}");
            143
        };
        let output = end(process).await?;
        ensure!(output.status.code() == Some(status), "{}", printed(&output));
        ensure!(output.stdout.is_empty(), "{}", printed(&output));
        nothing_is_left(&stack).await?;
    }
    stack.stop().await
}

/// With TLS, as a user of the access control list, whose password is nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn no_trace_of_a_password_is_left_anywhere() -> Result<()> {
    const SECRET: &str = "p@ss/w%rd?:";
    const ENCODED: &str = "p%40ss%2Fw%25rd%3F%3A";
    const TRACES: [&str; 7] = [SECRET, ENCODED, "p%40ss%2fw%25rd%3f%3a", "p@ss", "ss/w", "w%rd", "ss%2F"];
    let mut options = StackOptions::default();
    options.parameters.push(("OutcomeTopicArn".to_owned(), TOPIC_ARN.to_owned()));
    let stack = Stack::start(options).await?;
    let listener = Listener::start(&stack).await?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    std::fs::write(file("server.crt"), pair.cert.pem())?;
    std::fs::write(file("server.key"), pair.signing_key.serialize_pem())?;
    let (certificate, key, tls_port) = (file("server.crt"), file("server.key"), free_port()?.to_string());
    let tls = ["--tls-port", &tls_port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let tls =
        [&AT_ONCE[..], &tls, &["--tls-auth-clients", "no", "--tls-ca-cert-file", &certificate]].concat();
    // Those of `make servers` have no TLS; the system's has.
    let (source, is_tls) = match Source::start_with("7.0", &tls).await {
        Ok(source) => (source, true),
        Err(_) => (Source::start_with("7.0", &AT_ONCE).await?, false),
    };
    fill_mixed(&source, 300, "k:").await?;
    let rights = ["~*", "+ping", "+psync", "+replconf", "+info", "+config|get"];
    source.command(&[&["ACL", "SETUSER", "ann", "on", &format!(">{SECRET}")][..], &rights].concat()).await?;
    let url = |password: &str| {
        if is_tls {
            format!("rediss://ann:{password}@127.0.0.1:{tls_port}")
        } else {
            format!("redis://ann:{password}@{}", source.address())
        }
    };
    let tls_words: &[&str] = if is_tls { &["--ca", &certificate] } else { &[] };
    let mut shown = Vec::new();
    for (words, status) in [
        (&["--id", "secret-free"][..], 0),
        (&["--id", "secret-free", "--dry-run"], 1),
        (&["--engine", "none"], 2),
        (&["--cluster"], 1),
        (&["--id", "too-large", "--node-type", "cache.none"], 1),
    ] {
        let source = url(ENCODED);
        let output = end(seeder(&stack, &[&[&*source], tls_words, words].concat()).spawn()?).await?;
        shown.push(printed(&output));
        ensure!(output.status.code() == Some(status), "{words:?}: {}", printed(&output));
    }
    // As people write it, with everything that a URL would have to hide.
    for words in [vec![url(SECRET)], vec![url(ENCODED), url(ENCODED)], vec![format!("x:{SECRET}@h")]] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let output = end(seeder(&stack, &words).spawn()?).await?;
        shown.push(printed(&output));
        ensure!(!output.status.success(), "{words:?}: {}", printed(&output));
    }
    // What is written fails: a panic would show itself here.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let source_url = url(ENCODED);
    let words = [&[&*source_url], tls_words, &["--id", "full", "--dry-run"]].concat();
    let output = end(seeder(&stack, &words).stdout(full).spawn()?).await?;
    shown.push(printed(&output));
    ensure!(
        output.status.code() == Some(1) && printed(&output).contains("No space left"),
        "{}",
        printed(&output)
    );

    for bucket in [stack.drop_bucket(), stack.reports_bucket(), stack.conversion_bucket()] {
        for object in stack.s3().list_objects_v2().bucket(bucket).send().await?.contents() {
            let key = object.key().context("no key")?;
            let got = stack.s3().get_object().bucket(bucket).key(key).send().await?;
            let bytes = got.body.collect().await?.into_bytes();
            shown.push(format!("{key}\n{}\n", String::from_utf8_lossy(&bytes)));
        }
    }
    let executions = user::executions_about(&stack, "").await?;
    ensure!(executions.len() >= 3, "{executions:?}");
    for execution in &executions {
        let described = stack.sfn().describe_execution().execution_arn(execution).send().await?;
        let history = stack.sfn().get_execution_history().execution_arn(execution).max_results(1000);
        shown.push(format!("{described:?}\n{:?}\n", history.send().await?));
    }
    shown.push(format!("{:?}", listener.hear().await?));
    let shown = shown.concat();
    ensure!(
        shown.contains("report.json") && shown.contains("Seeding Succeeded"),
        "not everything is searched"
    );
    for trace in TRACES {
        let place = shown.find(trace).map(|at| shown.get(at.saturating_sub(80)..at + 40));
        ensure!(place.is_none(), "{trace}: {place:?}");
    }
    stack.stop().await
}
