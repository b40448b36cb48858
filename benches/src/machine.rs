//! The machine of a measurement, for its heading.
use std::{process::Command, time::Instant};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};

/// Returns the date, the machine and the revision of the product in one line.
pub fn heading() -> String {
    let date = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let plural = if cores == 1 { "" } else { "s" };
    let revision = revision().map(|revision| format!(", revision {revision}")).unwrap_or_default();
    format!("{date}, {}, {cores} core{plural}{revision}", processor())
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line =
            text.lines().find(|line| line.split(':').next().is_some_and(|found| found.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let Some(model) = field("model name") else { return std::env::consts::ARCH.to_owned() };
    // On cloud machines, the model name often contains only the manufacturer.
    match (field("cpu family"), field("model")) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number})"),
        _ => model,
    }
}

fn revision() -> Option<String> {
    let output = Command::new("git").args(["describe", "--always", "--dirty", "--tags"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Measures other work on the machine, because it distorts the measurement.
#[derive(Debug)]
pub struct Watch {
    started: Instant,
    machine_seconds: f64,
    our_seconds: f64,
}

impl Watch {
    /// Starts to measure. `None` if the system does not report processor times.
    pub fn start() -> Option<Self> {
        let machine_seconds = busy_seconds(&std::fs::read_to_string("/proc/stat").ok()?)?;
        Some(Self { started: Instant::now(), machine_seconds, our_seconds: our_seconds()? })
    }

    /// Number of cores, on average since the start, used by other processes than this one and its children.
    pub fn cores_taken_by_others(&self) -> Option<f64> {
        let now = Self::start()?;
        let others = (now.machine_seconds - self.machine_seconds) - (now.our_seconds - self.our_seconds);
        let seconds = now.started.duration_since(self.started).as_secs_f64();
        (seconds > 0.0).then(|| (others / seconds).max(0.0))
    }
}

/// Processor time in seconds of this process and of its descendants that have exited.
fn our_seconds() -> Option<f64> {
    let mut microseconds = 0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who).ok()?;
        microseconds += usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    }
    u32::try_from(microseconds / 1000).ok().map(|milliseconds| f64::from(milliseconds) / 1e3)
}

/// Processor time in seconds of all processes, plus the time stolen by the host of a virtual machine, from
/// `/proc/stat`.
fn busy_seconds(stat: &str) -> Option<f64> {
    // Linux reports hundredths of seconds here, whatever its own tick rate.
    const TICKS_PER_SECOND: f64 = 100.0;
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<f64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    // Columns: user nice system idle iowait irq softirq steal. Guest time is included in user time.
    let [user, nice, system, _, _, irq, softirq, steal, ..] = ticks.as_slice() else { return None };
    Some((user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_not_work() {
        let stat = "cpu  100 20 300 9999 8888 1 2 77 5 6\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_seconds(stat), Some(5.0));
        assert_eq!(busy_seconds("cpu  1 2 3\n"), None);
        assert_eq!(busy_seconds(""), None);
    }
}
