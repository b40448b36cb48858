use serde_json::{Value, json};

use super::*;
use crate::finding::Severity;

const SERVICE: &str = "us-east-1.elasticache-snapshot.amazonaws.com";

struct Case {
    access: Access,
    dry_run: bool,
    roles: Roles,
    partition: Partition,
    backups: Vec<BackupLocation>,
}

impl Default for Case {
    fn default() -> Self {
        let location = |key: &str| BackupLocation { bucket: "b".into(), key: key.into() };
        Self {
            access: Access::Auto,
            dry_run: false,
            roles: Roles::default(),
            partition: Partition {
                partition: "aws".into(),
                region: "us-east-1".into(),
                account: "123456789012".into(),
            },
            backups: vec![location("in/1.rdb"), location("in/2.rdb")],
        }
    }
}

impl Case {
    fn needs(&self) -> Needs<'_> {
        Needs {
            partition: &self.partition,
            access: self.access,
            bucket: "b",
            backups: &self.backups,
            dry_run: self.dry_run,
            roles: &self.roles,
            now_ms: 1_795_651_200_000,
        }
    }

    fn findings(&self, statements: &Value) -> (Vec<Finding>, usize) {
        let look = PolicyLook::Text(json!({"Statement": statements}).to_string());
        let (findings, ungranted) = policy_findings(&self.needs(), &look);
        (findings, ungranted.len())
    }
}

fn deny(principal: &Value, action: &str, resource: &str) -> Value {
    json!({"Sid": "Mine", "Effect": "Deny", "Principal": principal, "Action": action, "Resource": resource})
}

#[test]
fn a_deny_without_conditions_is_a_fail_that_names_statement_deeds_and_whom() {
    let case = Case::default();
    let (findings, _) =
        case.findings(&deny(&json!({"Service": SERVICE}), "s3:GetObject", "arn:aws:s3:::b/in/2.rdb"));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.code, finding.severity), (Code::AccessDeniedByPolicy, Severity::Fail));
    assert_eq!(finding.backup.as_deref(), Some("b/in/2.rdb"));
    assert_eq!(finding.evidence["statement"], "Mine");
    assert_eq!(finding.evidence["denies"], json!(["s3:GetObject"]));
    assert_eq!(finding.evidence["to"], json!([SERVICE]));
    let (findings, _) = case.findings(&deny(&json!("*"), "s3:*", "*"));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    let all =
        ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:GetObject", "s3:ListBucket", "s3:PutBucketPolicy"];
    assert_eq!(finding.evidence["denies"], json!(all));
    assert_eq!(finding.evidence["objects"], json!(["b/in/1.rdb", "b/in/2.rdb"]));
}

#[test]
fn a_deny_of_what_nobody_needs_is_none() {
    for statement in [
        deny(&json!("*"), "s3:DeleteObject", "*"),
        deny(&json!("*"), "s3:GetObject", "arn:aws:s3:::b/out/*"),
        deny(&json!({"AWS": "arn:aws:iam::1:root"}), "s3:*", "*"),
        deny(&json!({"Service": "us-east-1.other.amazonaws.com"}), "s3:*", "*"),
        json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
               "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
    ] {
        assert_eq!(Case::default().findings(&statement).0, [], "{statement}");
    }
}

#[test]
fn a_deny_with_conditions_is_to_be_looked_at() {
    let mut statement = deny(&json!("*"), "s3:GetObject", "*");
    statement["Condition"] = json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}});
    let (findings, _) = Case::default().findings(&statement);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.code, finding.severity), (Code::GrantNotChecked, Severity::Warn));
    assert_eq!(finding.evidence["conditions"], json!(["StringNotEquals aws:SourceVpce"]));
}

#[test]
fn each_role_is_asked_for_what_it_does() {
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let roles = Roles { readers: vec![role("read")], granters: vec![role("grant")] };
    let case = Case { roles, ..Case::default() };
    let of = |principal: Value, action: &str| {
        let (findings, _) = case.findings(&deny(&principal, action, "*"));
        findings.first().map(|finding| (finding.code, finding.evidence["to"].clone()))
    };
    let denied = |name: &str| Some((Code::AccessDeniedByPolicy, json!([role(name)])));
    assert_eq!(of(json!({"AWS": role("grant")}), "s3:PutBucketPolicy"), denied("grant"));
    assert_eq!(of(json!({"AWS": role("read")}), "s3:PutBucketPolicy"), None);
    assert_eq!(of(json!({"AWS": role("read")}), "s3:Get*"), denied("read"));
    assert_eq!(of(json!({"AWS": role("other")}), "s3:*"), None);
}

#[test]
fn the_way_decides_whose_deeds_are_asked_for() {
    let put_policy = deny(&json!("*"), "s3:PutBucketPolicy", "*");
    let put_acl = deny(&json!("*"), "s3:PutObjectAcl", "*");
    let codes = |access, statement: &Value| {
        let case = Case { access, ..Case::default() };
        case.findings(statement).0.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(Access::Auto, &put_policy), [Code::AccessDeniedByPolicy]);
    assert_eq!(codes(Access::Policy, &put_policy), [Code::AccessDeniedByPolicy]);
    assert_eq!(codes(Access::Acl, &put_policy), []);
    assert_eq!(codes(Access::Existing, &put_policy), []);
    assert_eq!(codes(Access::Acl, &put_acl), [Code::AccessDeniedByPolicy]);
    assert_eq!(codes(Access::Auto, &put_acl), []);
    // In China the way of granting access depends on the bucket's ownership controls.
    let china = Partition { partition: "aws-cn".into(), region: "cn-north-1".into(), account: "1".into() };
    assert_eq!(Case { partition: china, ..Case::default() }.findings(&put_policy).0, []);
}

#[test]
fn existing_access_has_to_be_there_and_to_count() {
    let case = Case { access: Access::Existing, ..Case::default() };
    let allow = |condition: Value| {
        json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "s3:Get*",
               "Resource": "arn:aws:s3:::b/*", "Condition": condition})
    };
    let codes = |statement: &Value| {
        let (findings, ungranted) = case.findings(statement);
        (findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>(), ungranted)
    };
    assert_eq!(codes(&allow(json!({}))), (vec![], 0));
    let account = json!({"StringEquals": {"aws:SourceAccount": "123456789012"}});
    assert_eq!(codes(&allow(account)), (vec![Code::GrantNotChecked], 0));
    assert_eq!(codes(&allow(json!({"ArnLike": {"aws:SourceArn": "*"}}))), (vec![], 2));
    assert_eq!(codes(&json!([])), (vec![], 2));
    let (findings, ungranted) = policy_findings(&case.needs(), &PolicyLook::None);
    assert_eq!((findings, ungranted.len()), (vec![], 2));
    let acl = |dry_run, look| {
        let case = Case { access: Access::Existing, dry_run, ..Case::default() };
        ungranted_finding(&case.needs(), &case.backups[0], look).map(|finding| finding.code)
    };
    assert_eq!((acl(true, Some(true)), acl(false, Some(true))), (None, None));
    assert_eq!(acl(true, Some(false)), Some(Code::AccessDeniedByPolicy));
    assert_eq!(
        acl(false, Some(false)),
        Some(Code::GrantNotChecked),
        "it is looked at again before the create"
    );
    assert_eq!(acl(true, None), Some(Code::GrantNotChecked));
}

#[test]
fn a_policy_that_cannot_be_asked_is_to_be_looked_at() {
    let case = Case::default();
    for look in [PolicyLook::Forbidden, PolicyLook::Text("{".into()), PolicyLook::Text("{}".into())] {
        let (findings, ungranted) = policy_findings(&case.needs(), &look);
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!((codes, ungranted.len()), (vec![Code::GrantNotChecked], 0), "{look:?}");
    }
}
