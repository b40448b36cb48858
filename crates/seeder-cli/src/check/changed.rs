//! Files whose conversion changes their contents: what would be written decides.

use anyhow::{Context, Result};
use seeding::{
    How, Verdict,
    changed::{judge_changed, refusals},
};

use super::{
    Checked, Input,
    target::{DescribedTarget, Fit},
    {inspect_options, threads},
};
use crate::{
    args::CheckArgs,
    convert::{Previewed, previewed},
    reading::Objects,
};

/// Judges anew if the conversion of a file changes its contents.
pub(super) fn judge_new_files(
    args: &CheckArgs,
    inputs: &[Input],
    objects: Option<&Objects>,
    target: &DescribedTarget,
    all: &[Checked],
    fit: &mut Fit,
) -> Result<()> {
    let Some((judgement, _)) =
        fit.judgement.as_mut().filter(|(judgement, _)| judgement.converted.contains(&How::Changed))
    else {
        return Ok(());
    };
    let inspecting = inspect_options(args, target, target.target().looked_at_ms);
    let (mut new, mut refused) = (Vec::with_capacity(all.len()), Vec::new());
    for ((input, checked), how) in inputs.iter().zip(all).zip(&judgement.converted) {
        if *how != How::Changed {
            new.push(None);
            continue;
        }
        let path = input.path().with_context(|| {
            format!(
                "{input} can be read once, and this conversion reads its backup more than once; name a file"
            )
        })?;
        let made = previewed(&path, objects, threads(args), target.target(), &inspecting, args.quiet)?;
        match made {
            Previewed::New(file) => new.push(Some(*file)),
            Previewed::Refused(report) => {
                refused.extend(refusals(&checked.name, &report, args.hide_keys));
                new.push(None);
            }
        }
    }
    if !refused.is_empty() {
        judgement.findings.splice(0..0, refused);
        (judgement.verdict, judgement.plan) = (Verdict::Reject, None);
        return Ok(());
    }
    *judgement = judge_changed(target.target(), &DescribedTarget::read(all), &new, target.earlier(all));
    fit.salvages = target.target().options.convert.changes.salvage;
    fit.footprints = target.footprints_of(all, &new);
    (fit.footprint, fit.memory) = target.memory_of(all, &new);
    Ok(())
}
