//! Access decisions. The account that owns the buckets may do everything that no policy denies. Other callers need an
//! Allow in the bucket policy. The service principal may also use an ACL grant if the bucket still has ACLs enabled.

pub(crate) mod acl;
pub(crate) mod policy;

use jiff::Timestamp;
use local_iam::{AuthorizationRequest, Decision, Principal, Role};

use crate::{
    access::{
        acl::{Grant, Permission},
        policy::Policy,
    },
    config::SERVICE_CANONICAL_ID,
    request::identity::Caller,
};

/// An access check with all inputs of the decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessCheck<'a> {
    pub(crate) caller: Caller,
    /// The role of a caller who belongs to the account; otherwise it is the root user.
    pub(crate) role: Option<Role<'a>>,
    /// Such as `s3:GetObject`.
    pub(crate) action: &'a str,
    pub(crate) bucket: &'a str,
    /// `None` for an action on the bucket.
    pub(crate) key: Option<&'a str>,
    pub(crate) policy: Option<&'a Policy>,
    /// The grants of the object, or of the bucket without a key. `None` if ACLs are disabled.
    pub(crate) grants: Option<&'a [Grant]>,
    /// Region of the endpoint, with which the service principal's name begins.
    pub(crate) region: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) owner_canonical_id: &'a str,
    /// Whether the request carries `aws:CurrentTime`.
    pub(crate) knows_time: bool,
}

impl AccessCheck<'_> {
    /// Whether the caller is allowed.
    pub(crate) fn is_allowed(&self) -> bool {
        let decision = self.policy.map_or(Decision::Silent, |policy| self.decide(policy));
        match (decision, self.caller) {
            (Decision::Deny, _) | (Decision::Silent, Caller::Anonymous) => false,
            (Decision::Allow, _) | (Decision::Silent, Caller::Owner) => true,
            (Decision::Silent, Caller::Service) => self.is_granted(),
        }
    }

    fn decide(&self, policy: &Policy) -> Decision {
        let service = format!("{}.elasticache-snapshot.amazonaws.com", self.region);
        let resource = match self.key {
            Some(key) => format!("arn:aws:s3:::{}/{key}", self.bucket),
            None => format!("arn:aws:s3:::{}", self.bucket),
        };
        // This endpoint substitutes for S3 endpoints with TLS.
        let now = Timestamp::now().to_string();
        let root = format!("arn:aws:iam::{}:root", self.account_id);
        let mut context = vec![("aws:securetransport", "true")];
        if self.knows_time {
            context.push(("aws:currenttime", now.as_str()));
        }
        let principal = match self.caller {
            Caller::Owner => {
                context.push(("aws:principalaccount", self.account_id));
                context.push(("aws:principalarn", self.role.map_or(root.as_str(), |role| role.arn)));
                context
                    .push(("aws:principaltype", if self.role.is_some() { "AssumedRole" } else { "Account" }));
                context.push(("aws:principalisawsservice", "false"));
                Principal {
                    account_id: Some(self.account_id),
                    role: self.role,
                    service: None,
                    canonical_id: Some(self.owner_canonical_id),
                }
            }
            Caller::Service => {
                context.push(("aws:sourceaccount", self.account_id));
                context.push(("aws:principalisawsservice", "true"));
                context.push(("aws:principalservicename", &service));
                Principal {
                    service: Some(&service),
                    canonical_id: Some(SERVICE_CANONICAL_ID),
                    ..Principal::default()
                }
            }
            Caller::Anonymous => Principal::default(),
        };
        policy.decide(&AuthorizationRequest {
            principal,
            action: self.action,
            resource: &resource,
            context: &context,
        })
    }

    fn is_granted(&self) -> bool {
        let needed = match (self.action, self.key.is_some()) {
            ("s3:GetObject" | "s3:GetObjectVersion", true) | ("s3:ListBucket", false) => Permission::Read,
            ("s3:GetObjectAcl" | "s3:GetObjectVersionAcl", true) | ("s3:GetBucketAcl", false) => {
                Permission::ReadAcp
            }
            _ => return false,
        };
        self.grants.unwrap_or_default().iter().any(|grant| {
            grant.canonical_id() == Some(SERVICE_CANONICAL_ID)
                && (grant.permission == needed || grant.permission == Permission::FullControl)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "us-east-1.elasticache-snapshot.amazonaws.com";

    fn policy(statements: &str) -> Policy {
        Policy::parse(format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#), "backups").unwrap()
    }

    fn statement(effect: &str, principal: &str, action: &str, resource: &str, more: &str) -> String {
        format!(r#"{{"Effect":"{effect}","Principal":{principal},{action},"Resource":{resource}{more}}}"#)
    }

    fn access<'a>(caller: Caller, action: &'a str, key: Option<&'a str>) -> AccessCheck<'a> {
        AccessCheck {
            caller,
            role: None,
            action,
            bucket: "backups",
            key,
            policy: None,
            grants: None,
            region: "us-east-1",
            account_id: "123456789012",
            owner_canonical_id: "0wner",
            knows_time: true,
        }
    }

    fn service_reads(policy: &Policy, key: &str) -> bool {
        let access = access(Caller::Service, "s3:GetObject", Some(key));
        AccessCheck { policy: Some(policy), ..access }.is_allowed()
    }

    #[test]
    fn the_owner_gets_in_and_others_do_not() {
        assert!(access(Caller::Owner, "s3:PutObject", Some("a.rdb")).is_allowed());
        assert!(!access(Caller::Service, "s3:GetObject", Some("a.rdb")).is_allowed());
        assert!(!access(Caller::Anonymous, "s3:GetObject", Some("a.rdb")).is_allowed());
    }

    #[test]
    fn the_documented_policy_lets_the_service_in() {
        let documented = policy(&statement(
            "Allow",
            &format!(r#"{{"Service":"{SERVICE}"}}"#),
            r#""Action":["s3:GetObject","s3:ListBucket","s3:GetBucketAcl"]"#,
            r#"["arn:aws:s3:::backups","arn:aws:s3:::backups/*"]"#,
            "",
        ));
        assert!(service_reads(&documented, "folder/a b,c.rdb"));
        let on_bucket = |action| {
            let access = access(Caller::Service, action, None);
            AccessCheck { policy: Some(&documented), ..access }.is_allowed()
        };
        assert!(on_bucket("s3:ListBucket") && on_bucket("s3:GetBucketAcl"));
        assert!(!on_bucket("s3:GetBucketPolicy"));
    }

    #[test]
    fn one_object_is_one_object() {
        let narrow = policy(&statement(
            "Allow",
            &format!(r#"{{"Service":["other.amazonaws.com","{SERVICE}"]}}"#),
            r#""Action":"s3:Get*""#,
            r#""arn:aws:s3:::backups/a.rdb""#,
            "",
        ));
        assert!(service_reads(&narrow, "a.rdb"));
        assert!(!service_reads(&narrow, "b.rdb"));
    }

    #[test]
    fn another_regions_principal_does_not_get_in() {
        let other = policy(&statement(
            "Allow",
            r#"{"Service":"eu-west-1.elasticache-snapshot.amazonaws.com"}"#,
            r#""Action":"s3:*""#,
            r#""arn:aws:s3:::backups/*""#,
            "",
        ));
        assert!(!service_reads(&other, "a.rdb"));
    }

    #[test]
    fn deny_wins_for_service_and_owner() {
        let allow = statement(
            "Allow",
            &format!(r#"{{"Service":"{SERVICE}"}}"#),
            r#""Action":"s3:*""#,
            r#""arn:aws:s3:::backups/*""#,
            "",
        );
        for principal in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":"arn:aws:iam::123456789012:root"}"#] {
            let deny =
                statement("Deny", principal, r#""Action":"s3:GetObject""#, r#""arn:aws:s3:::backups/x""#, "");
            let both = policy(&format!("{allow},{deny}"));
            let everyone = !principal.contains("root");
            assert_eq!(service_reads(&both, "x"), !everyone, "{principal}");
            let owner = access(Caller::Owner, "s3:GetObject", Some("x"));
            assert!(!AccessCheck { policy: Some(&both), ..owner }.is_allowed(), "{principal}");
            let other = access(Caller::Owner, "s3:GetObject", Some("y"));
            assert!(AccessCheck { policy: Some(&both), ..other }.is_allowed());
        }
    }

    #[test]
    fn inverted_actions_resources_and_principals_are_understood() {
        let service = format!(r#"{{"Service":"{SERVICE}"}}"#);
        let not_action = policy(&statement(
            "Allow",
            &service,
            r#""NotAction":"s3:Put*""#,
            r#""arn:aws:s3:::backups/*""#,
            "",
        ));
        assert!(service_reads(&not_action, "a"));
        let not_resource = policy(
            &statement("Allow", &service, r#""Action":"s3:*""#, r#""arn:aws:s3:::backups/a""#, "")
                .replace(r#""Resource""#, r#""NotResource""#),
        );
        assert!(service_reads(&not_resource, "b") && !service_reads(&not_resource, "a"));
        let allow = statement("Allow", &service, r#""Action":"s3:*""#, r#""arn:aws:s3:::backups/*""#, "");
        let only_owner = statement(
            "Deny",
            r#"{"AWS":"123456789012"}"#,
            r#""Action":"s3:*""#,
            r#""arn:aws:s3:::backups/*""#,
            "",
        )
        .replace(r#""Principal""#, r#""NotPrincipal""#);
        assert!(!service_reads(&policy(&format!("{allow},{only_owner}")), "a"));
    }

    #[test]
    fn conditions_are_judged_and_unknown_ones_do_not_allow() {
        let with = |effect, condition: &str| {
            let allow = statement(
                "Allow",
                &format!(r#"{{"Service":"{SERVICE}"}}"#),
                r#""Action":"s3:GetObject""#,
                r#""arn:aws:s3:::backups/*""#,
                &if effect == "Allow" { format!(r#","Condition":{condition}"#) } else { String::new() },
            );
            let deny = statement(
                "Deny",
                r#""*""#,
                r#""Action":"s3:GetObject""#,
                r#""arn:aws:s3:::backups/*""#,
                &format!(r#","Condition":{condition}"#),
            );
            let both = if effect == "Allow" { allow } else { format!("{allow},{deny}") };
            service_reads(&policy(&both), "a")
        };
        assert!(with("Allow", r#"{"StringEquals":{"aws:SourceAccount":"123456789012"}}"#));
        assert!(with("Allow", r#"{"StringLike":{"AWS:sourceaccount":["9*","12345*"]}}"#));
        assert!(!with("Allow", r#"{"StringEquals":{"aws:SourceAccount":"999999999999"}}"#));
        assert!(!with("Allow", r#"{"StringEquals":{"aws:SourceArn":"x"}}"#));
        assert!(!with("Allow", r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#));
        // The usual statement that requires TLS, for which this endpoint counts as one with TLS.
        assert!(with("Deny", r#"{"Bool":{"aws:SecureTransport":"false"}}"#));
        assert!(!with("Deny", r#"{"StringNotEquals":{"aws:SourceAccount":"999999999999"}}"#));
        assert!(with("Deny", r#"{"StringNotEquals":{"aws:SourceAccount":"123456789012"}}"#));
        assert!(!with("Deny", r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#));
    }

    #[test]
    fn grants_let_the_service_read_what_they_say() {
        let grant = |permission| [Grant::canonical(SERVICE_CANONICAL_ID, permission)];
        let allowed = |action, grants: &[Grant]| {
            let access = access(Caller::Service, action, Some("a"));
            AccessCheck { grants: Some(grants), ..access }.is_allowed()
        };
        assert!(allowed("s3:GetObject", &grant(Permission::Read)));
        assert!(allowed("s3:GetObjectAcl", &grant(Permission::ReadAcp)));
        assert!(allowed("s3:GetObjectAcl", &grant(Permission::FullControl)));
        assert!(!allowed("s3:GetObjectAcl", &grant(Permission::Read)));
        assert!(!allowed("s3:PutObject", &grant(Permission::FullControl)));
        assert!(!allowed("s3:GetObject", &[Grant::canonical("0wner", Permission::FullControl)]));
    }
}
