//! IAM: the roles and their policies.

use axum::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{
    answer::{Answer, Form, fault, members, result},
    model::{Account, Role},
    simulation,
};

/// The actions that are known here.
pub(super) const ACTIONS: [&str; 7] = [
    "GetRole",
    "ListRolePolicies",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "GetPolicy",
    "GetPolicyVersion",
    "SimulatePrincipalPolicy",
];
/// The version of every managed policy.
const VERSION: &str = "v1";

pub(super) fn answer(account: &Account, action: &str, form: &Form) -> Answer {
    let missing =
        |what: &str| fault(StatusCode::NOT_FOUND, "NoSuchEntity", &format!("The {what} cannot be found."));
    match action {
        "SimulatePrincipalPolicy" => match simulation::simulate(account, form) {
            Ok(results) => result(action, &results),
            Err(message) => fault(StatusCode::BAD_REQUEST, "InvalidInput", &message),
        },
        "GetPolicy" | "GetPolicyVersion" => match account.policies.get(form.field("PolicyArn")) {
            None => missing("policy"),
            Some(_) if action == "GetPolicy" => {
                let version = format!("<DefaultVersionId>{VERSION}</DefaultVersionId>");
                result(action, &format!("<Policy>{version}</Policy>"))
            }
            Some(_) if form.field("VersionId") != VERSION => missing("version"),
            Some(document) => {
                let document = format!("<Document>{}</Document>", encoded(document));
                result(action, &format!("<PolicyVersion>{document}</PolicyVersion>"))
            }
        },
        _ => match account.roles.get(form.field("RoleName")) {
            None => missing("role"),
            Some(role) => of_role(role, action, form).unwrap_or_else(|| missing("role policy")),
        },
    }
}

fn of_role(role: &Role, action: &str, form: &Form) -> Option<Answer> {
    let content = match action {
        "GetRole" => {
            let boundary = role.boundary.as_ref().map(|arn| {
                format!(
                    "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
                     <PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn></PermissionsBoundary>"
                )
            });
            let (name, arn, boundary) = (form.field("RoleName"), &role.arn, boundary.unwrap_or_default());
            format!("<Role><RoleName>{name}</RoleName><Arn>{arn}</Arn>{boundary}</Role>")
        }
        "ListRolePolicies" => format!("<PolicyNames>{}</PolicyNames>", members(role.inline.keys())),
        "GetRolePolicy" => {
            let document = encoded(role.inline.get(form.field("PolicyName"))?);
            format!("<PolicyDocument>{document}</PolicyDocument>")
        }
        _ => {
            let arns = role.attached.iter().map(|arn| format!("<PolicyArn>{arn}</PolicyArn>"));
            format!("<AttachedPolicies>{}</AttachedPolicies>", members(arns))
        }
    };
    Some(result(action, &content))
}

/// A document as IAM returns it.
fn encoded(document: &Value) -> String {
    utf8_percent_encode(&document.to_string(), NON_ALPHANUMERIC).to_string()
}
