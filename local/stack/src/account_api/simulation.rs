//! `SimulatePrincipalPolicy`: what the policies of a role, its permissions boundary and the organization decide.

use std::collections::BTreeSet;

use local_iam::{AuthorizationRequest, Decision, Policy, Principal};
use serde_json::Value;

use super::{
    answer::{Form, members},
    model::Account,
};

/// The policies that decide, and the condition keys that have values.
struct Simulation<'a> {
    role: Vec<Policy>,
    boundary: Option<Policy>,
    organization: Option<Policy>,
    context: Vec<(String, &'a str)>,
    /// The condition keys of the role's policies and of the boundary that have no value.
    missing: BTreeSet<String>,
}

/// The decision on one action and one resource.
struct Decided {
    decision: &'static str,
    by_boundary: Option<bool>,
    by_organization: Option<bool>,
}

/// Returns the results, or what is wrong with the input.
pub(super) fn simulate(account: &Account, form: &Form) -> Result<String, String> {
    let simulation = Simulation::of(account, form)?;
    let (actions, resources) = (form.list("ActionNames.member"), form.list("ResourceArns.member"));
    if let Some(pattern) = actions.iter().find(|action| action.contains(['*', '?'])) {
        return Err(format!("{pattern} is no action"));
    }
    let is_arn = |resource: &&str| *resource == "*" || resource.starts_with("arn:aws:");
    if let Some(other) = resources.iter().find(|resource| !is_arn(resource)) {
        return Err(format!("{other} is no ARN"));
    }
    let results = members(actions.iter().map(|action| simulation.result(action, &resources)));
    Ok(format!("<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"))
}

impl<'a> Simulation<'a> {
    fn of(account: &Account, form: &'a Form) -> Result<Self, String> {
        let source = form.field("PolicySourceArn");
        let role = account.roles.values().find(|role| role.arn == source);
        let role = role.ok_or_else(|| format!("{source} is not known"))?;
        let attached = role.attached.iter().filter_map(|arn| account.policies.get(arn));
        let documents: Vec<_> = role.inline.values().chain(attached).collect();
        let boundary = role.boundary.as_ref().and_then(|arn| account.policies.get(arn));
        let context = (1..).map_while(|number: usize| {
            let entry = format!("ContextEntries.member.{number}");
            let name = form.field(&format!("{entry}.ContextKeyName")).to_lowercase();
            let values = form.list(&format!("{entry}.ContextKeyValues.member"));
            (!name.is_empty()).then_some((name, *values.first()?))
        });
        let context: Vec<_> = context.collect();
        // What the conditions of the organization lack, AWS does not say.
        let keys = documents.iter().copied().chain(boundary).flat_map(condition_keys);
        let missing = keys.filter(|key| context.iter().all(|(known, _)| known != key)).collect();
        Ok(Self {
            role: documents.into_iter().map(Policy::parse).collect::<Result<_, _>>()?,
            boundary: boundary.map(Policy::parse).transpose()?,
            organization: account.organization.as_ref().map(Policy::parse).transpose()?,
            context,
            missing,
        })
    }

    fn decide(&self, action: &str, resource: &str) -> Decided {
        let context: Vec<_> = self.context.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let principal = Principal::default();
        let request = AuthorizationRequest { principal, action, resource, context: &context };
        let by_role: Vec<_> = self.role.iter().map(|policy| policy.decide(&request)).collect();
        let [boundary, organization] =
            [&self.boundary, &self.organization].map(|one| one.as_ref().map(|one| one.decide(&request)));
        let limits = [boundary, organization];
        let all = || by_role.iter().copied().chain(limits.into_iter().flatten());
        let decision = if all().any(|one| one == Decision::Deny) {
            "explicitDeny"
        } else if by_role.contains(&Decision::Allow) && !limits.contains(&Some(Decision::Silent)) {
            "allowed"
        } else {
            "implicitDeny"
        };
        let allows = |limit: Option<Decision>| limit.map(|limit| limit == Decision::Allow);
        Decided { decision, by_boundary: allows(boundary), by_organization: allows(organization) }
    }

    /// One result for each action: the strictest decision, and each resource's own.
    fn result(&self, action: &str, resources: &[&str]) -> String {
        let decided: Vec<_> = resources.iter().map(|resource| self.decide(action, resource)).collect();
        let strictest = ["explicitDeny", "implicitDeny"].into_iter();
        let decision = strictest.into_iter().find(|kind| decided.iter().any(|one| one.decision == *kind));
        let least = |limit: fn(&Decided) -> Option<bool>| decided.iter().filter_map(limit).min();
        let missing = format!("<MissingContextValues>{}</MissingContextValues>", members(&self.missing));
        let specific = resources.iter().zip(&decided).map(|(resource, one)| {
            format!(
                "<EvalResourceName>{resource}</EvalResourceName>{missing}{}\
                 <EvalResourceDecision>{}</EvalResourceDecision>",
                detail("PermissionsBoundary", one.by_boundary),
                one.decision
            )
        });
        format!(
            "<MatchedStatements><member><SourcePolicyType>IAM Policy</SourcePolicyType></member></MatchedStatements>\
             <MissingContextValues/>{}{}<ResourceSpecificResults>{}</ResourceSpecificResults>\
             <EvalDecision>{}</EvalDecision><EvalActionName>{action}</EvalActionName>",
            detail("Organizations", least(|one| one.by_organization)),
            detail("PermissionsBoundary", least(|one| one.by_boundary)),
            members(specific),
            decision.unwrap_or("allowed")
        )
    }
}

/// Whether a limit allows it; absent where there is no such limit.
fn detail(limit: &str, allowed: Option<bool>) -> String {
    let Some(allowed) = allowed else { return String::new() };
    format!("<{limit}DecisionDetail><AllowedBy{limit}>{allowed}</AllowedBy{limit}></{limit}DecisionDetail>")
}

/// The condition keys of a document, in lower case.
fn condition_keys(document: &Value) -> Vec<String> {
    let statements = document["Statement"].as_array().into_iter().flatten();
    let operators = statements.filter_map(|statement| statement["Condition"].as_object()).flatten();
    let keys = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    keys.map(|(key, _)| key.to_lowercase()).collect()
}
