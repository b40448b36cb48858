//! The tables of options in docs/CHECK.md and docs/RUNNING.md, from the command line itself.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use clap::{Arg, ArgAction, Command};
use docs_tests::{Table, check_table};
use seeding::{Identity, resolve};
use serde_json::json;

fn command(name: &str) -> Command {
    let mut all = seeder_cli::command();
    all.build();
    all.find_subcommand(name).unwrap().clone()
}

const CLUSTER: Option<&str> = Some("Target cluster");
const SERVER: Option<&str> = Some("Live server");
const AWS: Option<&str> = Some("AWS");

/// Options of a command under a heading, or under none.
fn table(command: &str, heading: Option<&str>) -> Table {
    let mut table = Table::new(["option", "values", "default", "meaning"]);
    let command = self::command(command);
    let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
    for option in options.filter(|option| !["help", "version"].contains(&option.get_id().as_str())) {
        if option.get_help_heading() == heading {
            let (meaning, default) = help(option);
            table.row([&name(option), &values(option), &default, &meaning]);
        }
    }
    table
}

/// `--threads N`, `--quiet`, `-q`, or `FILE …`.
fn name(option: &Arg) -> String {
    let takes_values = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
    let value_name = option.get_value_names().unwrap_or_default().join(" ");
    let several = if matches!(option.get_action(), ArgAction::Append) { " …" } else { "" };
    let Some(long) = option.get_long() else { return format!("`{value_name}{several}`") };
    let value = if takes_values { format!(" {value_name}") } else { String::new() };
    let short = option.get_short().map(|short| format!(", `-{short}`")).unwrap_or_default();
    format!("`--{long}{value}`{short}")
}

fn values(option: &Arg) -> String {
    let takes_values = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
    let values = option.get_possible_values();
    let values: Vec<_> =
        values.iter().filter(|_| takes_values).map(|value| format!("`{}`", value.get_name())).collect();
    values.join(", ")
}

/// The help text, and the default: clap's, the one in square brackets at the end of the text, or a variable.
fn help(option: &Arg) -> (String, String) {
    let text = option.get_long_help().or(option.get_help()).unwrap().to_string();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clap: Vec<_> = option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let takes_values = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
    let variable = option.get_env().map(|name| format!("`${}`", name.to_string_lossy()));
    let (meaning, in_text) = match text.split_once("[default: ") {
        Some((meaning, rest)) => {
            (meaning.trim().to_owned(), Some(rest.split(']').next().unwrap().to_owned()))
        }
        None => (text, None),
    };
    // Options without help texts end in no dot.
    let meaning = if meaning.ends_with('.') { meaning } else { format!("{meaning}.") };
    let default = in_text.or(variable).or((takes_values && !clap.is_empty()).then(|| clap.join(",")));
    (meaning, default.map(|default| as_code(&default)).unwrap_or_default())
}

/// A default that is one word is code.
fn as_code(default: &str) -> String {
    if default.contains([' ', '`']) { default.to_owned() } else { format!("`{default}`") }
}

#[test]
fn the_options_of_check_are_what_the_command_says() {
    check_table("CHECK.md", "options", &table("check", None));
}

/// All commands describe a cluster with the same options.
#[test]
fn the_options_of_the_cluster_are_what_the_commands_say() {
    let check = table("check", CLUSTER);
    for other in ["seed", "upload"] {
        assert_eq!(format!("{check:?}"), format!("{:?}", table(other, CLUSTER)));
    }
    check_table("RUNNING.md", "cluster options", &check);
}

#[test]
fn the_options_of_seed_are_what_the_command_says() {
    check_table("RUNNING.md", "options", &table("seed", None));
}

#[test]
fn the_options_of_backup_are_what_the_command_says() {
    check_table("RUNNING.md", "backup options", &table("backup", None));
}

#[test]
fn the_options_of_upload_are_what_the_command_says() {
    check_table("RUNNING.md", "upload options", &table("upload", None));
}

/// Both commands reach a server in the same way.
#[test]
fn the_options_of_a_live_server_are_what_the_commands_say() {
    let backup = table("backup", SERVER);
    assert_eq!(format!("{backup:?}"), format!("{:?}", table("seed", SERVER)));
    check_table("RUNNING.md", "server options", &backup);
}

#[test]
fn all_commands_call_aws_with_the_same_options() {
    let check = table("check", AWS);
    for other in ["seed", "backup", "upload", "sweep", "doctor", "approve"] {
        assert_eq!(format!("{check:?}"), format!("{:?}", table(other, AWS)));
    }
    check_table("RUNNING.md", "AWS options", &check);
}

#[test]
fn the_options_of_sweep_are_what_the_command_says() {
    check_table("RUNNING.md", "sweep options", &table("sweep", None));
}

#[test]
fn the_options_of_commands_about_executions_are_what_they_say() {
    for command in ["executions", "status", "report", "reject", "cancel", "doctor", "prices"] {
        check_table("RUNNING.md", &format!("{command} options"), &table(command, None));
    }
}

/// Options that are not given are absent from the request, so their defaults are those of a request.
#[test]
fn the_defaults_of_options_are_those_of_a_request() {
    let request = json!({"backups": ["my-bucket/redis.rdb"]});
    let resolved = resolve(&[("request", &request)], &Identity::new("docs", "docs")).0.unwrap();
    let (cluster, options) = (resolved.cluster, resolved.options);
    let expected = [
        ("engine", json!(cluster.engine)),
        ("node-type", json!(cluster.node_type)),
        ("replicas", json!(cluster.replicas_per_shard)),
        ("slots", json!(cluster.slots)),
        ("headroom-percent", json!(options.headroom_percent)),
        ("node-families", json!(options.node_families.join(","))),
        ("access", json!(options.access)),
        ("on-restore-failed", json!(options.on_restore_failed)),
    ];
    let seed = command("seed");
    for (name, value) in expected {
        let option = seed.get_arguments().find(|option| option.get_long() == Some(name)).unwrap();
        let value = value.to_string();
        assert_eq!(help(option).1, format!("`{}`", value.trim_matches('"')), "--{name}");
    }
}
