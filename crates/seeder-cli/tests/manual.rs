//! What the command says of itself: its version, completions and man pages.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

#[path = "../build/commit.rs"]
mod commit;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn seeder(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seeder")).args(words).output().unwrap()
}

#[test]
fn the_commit_of_a_tree_is_found_and_none_outside_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert_eq!((commit::of(path), commit::files(path).len()), (None, 0));
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(identity).args(words).current_dir(path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    fs::write(path.join("file"), "one").unwrap();
    git(&["add", "file"]);
    git(&["commit", "-q", "-m", "one"]);
    let found = commit::of(path).unwrap();
    let id = git(&["rev-parse", "HEAD"]);
    assert!(found.starts_with(&id[..12]) && !found.contains("modified"), "{found}");
    fs::write(path.join("file"), "two").unwrap();
    assert_eq!(commit::of(path).unwrap(), format!("{found}, modified"));
    // The branch's file changes with each commit.
    let branch = git(&["symbolic-ref", "HEAD"]).trim().to_owned();
    let files = commit::files(path);
    assert!(files.iter().any(|file| file.ends_with(&branch)), "{files:?}");
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = String::from_utf8(seeder(&["--version"]).stdout).unwrap();
    assert!(version.starts_with(concat!("seeder ", env!("CARGO_PKG_VERSION"))), "{version}");
}

#[test]
fn shells_complete_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = seeder(&["completions", shell]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{shell}");
        assert!(text.contains("upload") && text.contains("password-file"), "{shell}: {text}");
    }
    let script = "source <(\"$0\" completions bash) && COMP_WORDS=(seeder upl) COMP_CWORD=1 \
        && _seeder seeder upl seeder && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_seeder")]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "upload", "{output:?}");
    assert_eq!(seeder(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    let output = seeder(&["man", pages.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let help = String::from_utf8(seeder(&["--help"]).stdout).unwrap();
    let commands: Vec<_> = help.lines().skip_while(|line| *line != "Commands:").skip(1).collect();
    let commands = commands.iter().map_while(|line| line.split_whitespace().next());
    let mut number = 0;
    for command in commands.filter(|command| *command != "help") {
        let page = fs::read_to_string(pages.join(format!("seeder-{command}.1"))).unwrap();
        assert!(page.contains(".SH OPTIONS") || page.contains(".SH ARGUMENTS"), "{command}");
        number += 1;
    }
    assert!(number > 12, "{help}");
    assert!(pages.join("seeder.1").exists());
    let failed = seeder(&["man", Path::new("/dev/null/x").to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("failed to write pages into /dev/null/x"));
}
