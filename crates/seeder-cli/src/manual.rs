//! `seeder completions` and `seeder man`: the command line, for shells and for `man`.

use std::{fs::create_dir_all, process::ExitCode};

use anyhow::{Context, Result};

use crate::{
    args::{CompletionsArgs, ManArgs},
    term::print_text,
};

/// Prints the completions of a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "seeder", &mut text);
    print_text(&String::from_utf8(text)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a page for each command.
pub(crate) fn man(args: &ManArgs) -> Result<ExitCode> {
    let written =
        create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(crate::command(), &args.folder));
    written.with_context(|| format!("failed to write pages into {}", args.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
