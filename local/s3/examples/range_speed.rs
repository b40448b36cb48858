//! Measures ranged reads of a 1 GiB object and the memory of the serving process:
//! `cargo run -p local-s3 --example range_speed`. The server is a child process, so that its peak memory is measured
//! separately.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Instant,
};

use futures::{StreamExt, TryStreamExt, stream};

const OBJECT_BYTES: u64 = 1 << 30;
const RANGE_BYTES: u64 = 64 << 20;
const MIB: u64 = 1 << 20;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    if let Some(root) = std::env::args().nth(1) {
        return serve(root.into()).await;
    }
    let root = tempfile::tempdir()?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg(root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = measure(&mut child).await;
    // The server stops at the end of its standard input.
    drop(child.stdin.take());
    child.wait()?;
    measured
}

/// Serves until the end of standard input.
async fn serve(root: std::path::PathBuf) -> Fallible<()> {
    let server = local_s3::Server::start(local_s3::Config::new(root)).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.endpoint())?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    server.stop().await;
    Ok(())
}

async fn measure(child: &mut Child) -> Fallible<()> {
    let mut endpoint = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut endpoint)?;
    let base = format!("{}/speed", endpoint.trim());
    let http = reqwest::Client::builder().no_proxy().build()?;
    let signed = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request";
    let mut out = std::io::stdout();

    let started = Instant::now();
    http.put(&base).header("authorization", signed).send().await?.error_for_status()?;
    let chunk = bytes::Bytes::from(vec![7_u8; 1 << 20]);
    let chunks = stream::iter((0..OBJECT_BYTES >> 20).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let put = http.put(format!("{base}/object")).header("authorization", signed);
    let put = put.header("content-length", OBJECT_BYTES).body(reqwest::Body::wrap_stream(chunks));
    put.send().await?.error_for_status()?;
    let speed = mib_per_second(OBJECT_BYTES, started);
    writeln!(out, "put of 1 GiB:                 {speed:5} MiB/s")?;

    for at_once in [1, 2, 8, 40] {
        let started = Instant::now();
        let reads = stream::iter(0..OBJECT_BYTES / RANGE_BYTES * 2).map(|at| {
            let start = at * RANGE_BYTES % OBJECT_BYTES;
            let get = http.get(format!("{base}/object")).header("authorization", signed);
            let get = get.header("range", format!("bytes={start}-{}", start + RANGE_BYTES - 1));
            async move {
                let answer = get.send().await?.error_for_status()?;
                answer
                    .bytes_stream()
                    .try_fold(0, |sum, data| async move { Ok(sum + data.len() as u64) })
                    .await
            }
        });
        let read: u64 =
            reads.buffer_unordered(at_once).try_fold(0, |sum, part| async move { Ok(sum + part) }).await?;
        let speed = mib_per_second(read, started);
        writeln!(out, "ranged GETs of 64 MiB, {at_once:2} at once: {speed:5} MiB/s")?;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    writeln!(out, "server's peak memory:  {peak}")?;
    Ok(())
}

fn mib_per_second(bytes: u64, started: Instant) -> u128 {
    u128::from(bytes / MIB) * 1000 / started.elapsed().as_millis().max(1)
}
