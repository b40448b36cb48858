//! Processes that never outlive this one.
//!
//! Each server is the child of a small shell that reads from a pipe of this process. The pipe closes when the handle is
//! dropped or this process dies, however it dies. The shell then kills its child by process ID. Nothing else ends a
//! server: no signal is ever sent by name.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{ChildStdin, Command},
    sync::{Notify, watch},
    time::timeout,
};

/// `$1` is the log, the rest is the command. The watcher is a second process, so that a server that ends by itself also
/// ends the shell. The watcher has the server's process ID before the shell can have reaped the server.
const WATCHDOG: &str = r#"
log=$1; shift
exec 3<&0
"$@" </dev/null 3<&- >>"$log" 2>&1 &
server=$!
echo "$server"
{ read -r _ <&3; kill -9 "$server"; } >/dev/null 2>&1 &
watcher=$!
exec 3<&- </dev/null
wait "$server"; status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// The process IDs of all running servers, each with the replication group that it belongs to.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunningServers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    owners: Mutex<BTreeMap<u32, String>>,
    ended: Notify,
}

impl RunningServers {
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.owners().keys().copied().collect()
    }

    /// Waits until no server of the group runs, or with `None`, no server at all.
    pub(crate) async fn none_left(&self, owner: Option<&str>) {
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if !self.owners().values().any(|other| owner.is_none_or(|owner| owner == other)) {
                return;
            }
            ended.await;
        }
    }

    fn owners(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, String>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct GuardedProcess {
    pid: u32,
    _leash: ChildStdin,
    exited: watch::Receiver<bool>,
}

impl GuardedProcess {
    /// Starts `binary` with one argument. Its output goes to `log`.
    pub(crate) async fn start(
        binary: &Path,
        argument: &Path,
        log: &Path,
        owner: &str,
        running: &RunningServers,
    ) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .args([log, binary, argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is for the stack, which then ends its servers in order.
            .process_group(0)
            .spawn()?;
        let missing = || io::Error::other("the watchdog has no pipes");
        let leash = shell.stdin.take().ok_or_else(missing)?;
        let mut first_line = String::new();
        let mut output = BufReader::new(shell.stdout.take().ok_or_else(missing)?);
        timeout(Duration::from_secs(30), output.read_line(&mut first_line)).await??;
        let pid = first_line.trim().parse().map_err(|_| io::Error::other("the watchdog did not start"))?;
        running.owners().insert(pid, owner.to_owned());
        let (exit, exited) = watch::channel(false);
        let running = running.clone();
        tokio::spawn(async move {
            if let Err(error) = shell.wait().await {
                tracing::warn!(pid, %error, "waiting for a server's watchdog");
            }
            running.owners().remove(&pid);
            running.0.ended.notify_waiters();
            exit.send_replace(true);
        });
        Ok(Self { pid, _leash: leash, exited })
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn has_exited(&self) -> bool {
        *self.exited.borrow()
    }
}
