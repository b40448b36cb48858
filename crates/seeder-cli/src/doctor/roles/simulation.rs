//! A simulation: what IAM decides on one statement of a role, and what of it is a denial.

use serde::Deserialize;

use super::{
    super::line::Unchecked,
    needs::{Need, Role, VERSION},
};
use crate::{doctor::subject::Subject, signed::Service};

/// The most pages of results. A page has at least one action.
const MAX_PAGES: usize = 20;

/// What denies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Denier {
    /// The permissions boundary with this ARN.
    Boundary(String),
    /// A Deny statement of the role's policies.
    Statement,
    /// A service control policy.
    Organization,
}

/// An action that is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) action: String,
    pub(super) denier: Denier,
    /// Whether it is denied whatever the call.
    pub(super) certain: bool,
}

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
        denials.extend(answer.result.results.list.into_iter().filter_map(|one| denial(one, role)));
        marker = answer.result.marker;
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

/// An action that is allowed nowhere else either, such as in a statement whose condition does not hold here, is no
/// denial. One that is denied for some of the resources, or without the value of a condition key, is no certain one.
/// What the organization denies never is: the simulator does not say which condition keys its policies lack.
fn denial(result: Evaluation, role: &Role) -> Option<Denial> {
    let refused = |limit: &Option<Limit>| limit.as_ref().and_then(|limit| limit.allowed) == Some(false);
    let resources = &result.resources.list;
    let of_resources = |denied: fn(&OfResource) -> bool| resources.iter().filter(|one| denied(one)).count();
    let by_boundary =
        of_resources(|one| one.boundary.as_ref().and_then(|limit| limit.allowed) == Some(false));
    let by_statement = of_resources(|one| one.decision == EXPLICIT);
    let (denier, on) = if refused(&result.organization) {
        (Denier::Organization, 0)
    } else if by_boundary > 0 || refused(&result.boundary) {
        (Denier::Boundary(role.boundary.clone().unwrap_or_default()), by_boundary)
    } else if by_statement > 0 || result.decision == EXPLICIT {
        (Denier::Statement, by_statement)
    } else {
        return None;
    };
    let lists = [&result.missing].into_iter().chain(resources.iter().map(|one| &one.missing));
    let knows_all = lists.into_iter().all(|missing| missing.list.is_empty());
    // Without results for resources, the result is that of the only one.
    let certain = denier != Denier::Organization && knows_all && on == resources.len();
    Some(Denial { action: result.action, denier, certain })
}

/// The decision of a Deny statement.
const EXPLICIT: &str = "explicitDeny";

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "SimulatePrincipalPolicyResult")]
    result: Page,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(rename = "EvaluationResults")]
    results: Members<Evaluation>,
    marker: Option<String>,
}

/// A list as the query protocol has it.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Members<T> {
    #[serde(rename = "member", default = "Vec::new")]
    list: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { list: Vec::new() }
    }
}

/// The decision on an action, on all resources together.
#[derive(Debug, Deserialize)]
struct Evaluation {
    #[serde(rename = "EvalActionName")]
    action: String,
    #[serde(rename = "EvalDecision")]
    decision: String,
    #[serde(rename = "MissingContextValues", default)]
    missing: Members<String>,
    #[serde(rename = "OrganizationsDecisionDetail")]
    organization: Option<Limit>,
    #[serde(rename = "PermissionsBoundaryDecisionDetail")]
    boundary: Option<Limit>,
    #[serde(rename = "ResourceSpecificResults", default)]
    resources: Members<OfResource>,
}

/// The decision on an action and one resource.
#[derive(Debug, Deserialize)]
struct OfResource {
    #[serde(rename = "EvalResourceDecision")]
    decision: String,
    #[serde(rename = "MissingContextValues", default)]
    missing: Members<String>,
    #[serde(rename = "PermissionsBoundaryDecisionDetail")]
    boundary: Option<Limit>,
}

/// Whether a limit of the role allows the action.
#[derive(Debug, Deserialize)]
struct Limit {
    #[serde(alias = "AllowedByOrganizations", alias = "AllowedByPermissionsBoundary", default)]
    allowed: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The denials in a result as IAM has it, with elements in its order.
    fn denials(result: &str) -> Vec<(Denier, bool)> {
        let role = Role {
            name: "r".to_owned(),
            arn: "arn:r".to_owned(),
            boundary: Some("arn:b".to_owned()),
            needs: Vec::new(),
        };
        let xml = format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults><member>\
             <MatchedStatements><member><SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>{result}\
             <EvalActionName>s3:GetObject</EvalActionName></member></EvaluationResults>\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        );
        let answer: Answer = quick_xml::de::from_str(&xml).unwrap();
        assert_eq!(answer.result.marker, None);
        let found = answer.result.results.list.into_iter().filter_map(|one| denial(one, &role));
        found.map(|one| (one.denier, one.certain)).collect()
    }

    fn limit(limit: &str, allowed: bool) -> String {
        format!(
            "<{limit}DecisionDetail><AllowedBy{limit}>{allowed}</AllowedBy{limit}></{limit}DecisionDetail>"
        )
    }

    fn decided(decision: &str, resources: &[(&str, String)]) -> String {
        let one = |(decision, detail): &(&str, String)| {
            format!(
                "<member><EvalResourceName>arn:x</EvalResourceName><MissingContextValues/>{detail}\
                 <EvalResourceDecision>{decision}</EvalResourceDecision></member>"
            )
        };
        let resources: String = resources.iter().map(one).collect();
        format!(
            "<EvalDecision>{decision}</EvalDecision><ResourceSpecificResults>{resources}</ResourceSpecificResults>"
        )
    }

    #[test]
    fn only_what_denies_for_certain_is_certain() {
        let boundary = || Denier::Boundary("arn:b".to_owned());
        let (no, yes) = (limit("PermissionsBoundary", false), limit("PermissionsBoundary", true));
        let missing = "<MissingContextValues><member>aws:SourceVpce</member></MissingContextValues>";
        let implicit = "implicitDeny";
        for (result, expected) in [
            (decided("allowed", &[("allowed", yes.clone())]) + &yes, None),
            // A statement whose condition does not hold in a simulation.
            (decided(implicit, &[(implicit, String::new())]) + missing, None),
            (decided(implicit, &[(implicit, yes.clone())]) + &yes + &limit("Organizations", true), None),
            (decided(implicit, &[]) + &no, Some((boundary(), true))),
            (
                decided(implicit, &[(implicit, no.clone()), (implicit, no.clone())]) + &no,
                Some((boundary(), true)),
            ),
            (decided(implicit, &[("allowed", yes), (implicit, no.clone())]) + &no, Some((boundary(), false))),
            (decided(implicit, &[(implicit, no.clone())]) + &no + missing, Some((boundary(), false))),
            (decided(EXPLICIT, &[(EXPLICIT, no.clone())]) + &no, Some((boundary(), true))),
            (decided(EXPLICIT, &[(EXPLICIT, String::new())]), Some((Denier::Statement, true))),
            (
                decided(EXPLICIT, &[(EXPLICIT, String::new()), ("allowed", String::new())]),
                Some((Denier::Statement, false)),
            ),
            (decided(EXPLICIT, &[]) + &limit("Organizations", false), Some((Denier::Organization, false))),
        ] {
            assert_eq!(denials(&result), Vec::from_iter(expected), "{result}");
        }
    }
}
