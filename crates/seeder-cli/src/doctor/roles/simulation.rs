//! A simulation: the call with what one statement of a role needs.

use super::{
    super::line::Unchecked,
    evaluation::{Answer, Denial},
    needs::{Need, Role, VERSION},
};
use crate::{doctor::subject::Subject, signed::Service};

/// The most pages of results. A page has at least one action.
const MAX_PAGES: usize = 20;

/// The outcome of a simulation.
#[derive(Debug)]
pub(super) enum Outcome {
    Simulated(Vec<Denial>),
    /// The simulator does not take the statement, such as an action that it does not know.
    Refused,
}

/// Simulates what a role needs.
pub(super) async fn simulate(subject: &Subject, role: &Role, need: &Need) -> Result<Outcome, Unchecked> {
    let form = form(subject, role, need);
    let mut marker = None;
    let mut denials = Vec::new();
    for _ in 0..MAX_PAGES {
        let fields = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = fields.chain(marker.as_deref().map(|marker| ("Marker", marker))).collect();
        let answer: Answer = match subject.signed.read(Service::Iam, &fields).await {
            Err(error) if ["InvalidInput", "ValidationError"].contains(&error.code.as_str()) => {
                return Ok(Outcome::Refused);
            }
            answer => answer.map_err(|error| Unchecked::of_call("iam:SimulatePrincipalPolicy", &error))?,
        };
        let page = answer.result;
        denials.extend(page.denials(role));
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    Ok(Outcome::Simulated(denials))
}

/// The fields of the call. The condition keys are those that policies of organizations and boundaries ask for most, and
/// that are the same in every call of a function.
fn form(subject: &Subject, role: &Role, need: &Need) -> Vec<(String, String)> {
    let partition = &subject.partition;
    let context = [
        ("aws:RequestedRegion", "string", partition.region.as_str()),
        ("aws:PrincipalArn", "string", &role.arn),
        ("aws:PrincipalAccount", "string", &partition.account),
        ("aws:ResourceAccount", "string", &partition.account),
        ("aws:SecureTransport", "boolean", "true"),
        ("aws:ViaAWSService", "boolean", "false"),
    ];
    let (version, number) = VERSION;
    let mut form: Vec<(String, String)> = vec![
        ("Action".into(), "SimulatePrincipalPolicy".into()),
        (version.into(), number.into()),
        ("PolicySourceArn".into(), role.arn.clone()),
    ];
    for (list, items) in [("ActionNames", &need.actions), ("ResourceArns", &need.resources)] {
        form.extend((1..).zip(items).map(|(number, item)| (format!("{list}.member.{number}"), item.clone())));
    }
    for (number, (key, kind, value)) in (1..).zip(context) {
        let entry = format!("ContextEntries.member.{number}");
        form.extend([
            (format!("{entry}.ContextKeyName"), key.to_owned()),
            (format!("{entry}.ContextKeyType"), kind.to_owned()),
            (format!("{entry}.ContextKeyValues.member.1"), value.to_owned()),
        ]);
    }
    form
}
