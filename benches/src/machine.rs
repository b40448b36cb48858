//! What a measurement was made on, for its heading.
use std::process::Command;

/// Date, machine and version of our reader, in one line.
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
    // Cloud machines often have a model name that says no more than the maker's.
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
