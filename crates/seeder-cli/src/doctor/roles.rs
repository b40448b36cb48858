//! The roles: whether something above them denies what their policies allow. The simulator of IAM decides that; what
//! it cannot know for sure is a warning at most.

mod evaluation;
mod needs;
mod simulation;

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use self::{
    evaluation::{Denial, Denier},
    needs::Role,
    simulation::Outcome,
};
use super::{
    Checked,
    line::{Level, Line},
    subject::Subject,
};

/// The calls that run at once: IAM throttles early.
const AT_ONCE: usize = 4;
/// The most simulations. The template needs 170 at most.
const MAX_SIMULATIONS: usize = 400;
/// The most roles and actions that a line names.
const SHOWN: usize = 4;

/// Simulates what each role needs.
pub(super) async fn check(subject: &Subject) -> Checked {
    let names = subject.of_type("AWS::IAM::Role")?;
    let shared = needs::shared(subject).await?;
    let shared = &shared;
    let roles = names.iter().map(|(_, name)| async move { needs::of_role(subject, name, shared).await });
    let roles: Vec<_> = stream::iter(roles).buffered(AT_ONCE).try_collect().await?;
    let gone = names.iter().zip(&roles).filter(|(_, role)| role.is_none());
    let mut lines: Vec<_> = gone
        .map(|((_, name), _)| {
            Line::fault(
                format!("the role {name} is gone: whatever uses it fails"),
                "it was deleted by hand: delete the stack and deploy it again, or undo the deletion",
            )
        })
        .collect();
    let roles: Vec<_> = roles.into_iter().flatten().collect();
    let all = roles.iter().flat_map(|role| role.needs.iter().map(move |need| (role, need)));
    let simulations = all.clone().take(MAX_SIMULATIONS).map(|(role, need)| async move {
        let outcome = simulation::simulate(subject, role, need).await;
        outcome.map(|outcome| (role, outcome))
    });
    let outcomes: Vec<_> = stream::iter(simulations).buffered(AT_ONCE).try_collect().await?;
    let simulated = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Simulated(_))).count();
    let denials = outcomes.iter().filter_map(|(role, outcome)| match outcome {
        Outcome::Simulated(denials) => Some(denials.iter().map(move |denial| (*role, denial))),
        Outcome::Refused => None,
    });
    lines.extend(judge(denials.flatten()));
    if lines.is_empty() {
        let left = match all.count() - simulated {
            0 => String::new(),
            number => format!("; {number} of their statements cannot be simulated"),
        };
        let limits = "no permissions boundary, organization or Deny takes what they need";
        lines.push(Line::ok(format!("{} roles: {limits}{left}", roles.len())));
    }
    Ok(lines)
}

/// One line for each denier and the same actions.
fn judge<'a>(denials: impl Iterator<Item = (&'a Role, &'a Denial)>) -> Vec<Line> {
    let mut of_roles = BTreeMap::<(Denier, bool, &str), Vec<&str>>::new();
    for (role, denial) in denials {
        let actions = of_roles.entry((denial.denier.clone(), denial.certain, &role.name)).or_default();
        if !actions.contains(&denial.action.as_str()) {
            actions.push(&denial.action);
        }
    }
    let mut lines = BTreeMap::<(Denier, bool, Vec<&str>), Vec<&str>>::new();
    for ((denier, certain, role), actions) in of_roles {
        lines.entry((denier, certain, actions)).or_default().push(role);
    }
    lines
        .into_iter()
        .map(|((denier, certain, actions), roles)| line(&denier, certain, &actions, &roles))
        .collect()
}

fn line(denier: &Denier, certain: bool, actions: &[&str], roles: &[&str]) -> Line {
    let verb = if certain { "denies" } else { "may deny" };
    let (actions, roles) = (few(actions), few(roles));
    let (who, remedy) = match denier {
        Denier::Boundary(arn) => (
            format!("the permissions boundary {arn}"),
            format!("let {arn} allow these actions, or deploy the stack with another PermissionsBoundaryArn"),
        ),
        Denier::Organization => (
            "a service control policy of the organization".to_owned(),
            "ask the organization's administrators whether its conditions except these roles: the simulation knows \
             only region, role, account and TLS of the calls"
                .to_owned(),
        ),
        Denier::Statement => (
            "a Deny statement of their own policies".to_owned(),
            "remove the statement from the roles' policies: the template has none".to_owned(),
        ),
    };
    let message = format!("{who} {verb} {actions} to {roles}");
    let level = if certain { Level::Fault } else { Level::Warning };
    Line { level, message, remedy: Some(remedy) }
}

/// The first items, and the number of the others.
fn few(items: &[&str]) -> String {
    let shown = items.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
