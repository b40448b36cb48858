//! The result of a simulation, and what of it is a denial.

use serde::Deserialize;

use super::needs::Role;
use crate::signed::Members;

/// The decision of a Deny statement.
const EXPLICIT: &str = "explicitDeny";

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

/// What is only not allowed is no denial: a statement whose condition does not hold in a simulation allows nothing.
/// A denial for some of the resources, or without the value of a condition key, is not certain. That of the
/// organization never is: the simulator does not say which condition keys of its policies have no value.
fn denial(result: &Evaluation, role: &Role) -> Option<Denial> {
    let resources = &result.resources.list;
    let by_boundary = resources.iter().filter(|one| refuses(one.boundary.as_ref())).count();
    let by_statement = resources.iter().filter(|one| one.decision == EXPLICIT).count();
    let (denier, on) = if refuses(result.organization.as_ref()) {
        (Denier::Organization, 0)
    } else if by_boundary > 0 || refuses(result.boundary.as_ref()) {
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
    Some(Denial { action: result.action.clone(), denier, certain })
}

fn refuses(limit: Option<&Limit>) -> bool {
    limit.and_then(|limit| limit.allowed) == Some(false)
}

/// The answer of `SimulatePrincipalPolicy`.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(rename = "SimulatePrincipalPolicyResult")]
    pub(super) result: Page,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    #[serde(rename = "EvaluationResults")]
    results: Members<Evaluation>,
    /// Where the next page begins.
    pub(super) marker: Option<String>,
}

impl Page {
    pub(super) fn denials(&self, role: &Role) -> impl Iterator<Item = Denial> {
        self.results.list.iter().filter_map(|one| denial(one, role))
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
        answer.result.denials(&role).map(|one| (one.denier, one.certain)).collect()
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
