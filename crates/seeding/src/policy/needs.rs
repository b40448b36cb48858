//! Checks of a bucket policy against the needs of a seeding.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Answer, Asker, Context, Document, Grant, Question,
    statement::{ACTIONS_ON_BUCKET, ACTIONS_ON_OBJECTS},
};
use crate::{
    facts::{location::BackupLocation, partition::Partition},
    finding::{Code, Finding},
    flow::grant::{Way, choose_way},
    request::options::Access,
};

/// The most objects that a finding names.
const SHOWN: usize = 5;

/// The roles of the stack's functions, by what they do with a bucket. If none is known, the account stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// The ARNs of the roles that inspect the bucket and read backups.
    pub readers: Vec<String>,
    /// The ARNs of the roles that change the bucket policy, or the objects' ACLs.
    pub granters: Vec<String>,
}

/// The needs of a seeding on one bucket.
#[derive(Debug, Clone, Copy)]
pub struct Needs<'a> {
    /// The partition, region and account of the seeding.
    pub partition: &'a Partition,
    /// The requested kind of access for ElastiCache.
    pub access: Access,
    /// The bucket.
    pub bucket: &'a str,
    /// The backups in it.
    pub backups: &'a [BackupLocation],
    /// Whether this is a dry run, which ends before grant-access would check again.
    pub dry_run: bool,
    /// The stack's roles.
    pub roles: &'a Roles,
    /// The current time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// The result of reading a bucket policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyLook {
    /// Its text.
    Text(String),
    /// The bucket has no policy.
    None,
    /// Access to the policy is denied.
    Forbidden,
}

/// Whether an object's ACL allows ElastiCache to read it; `None` if the ACL is not readable.
pub type AclLook = Option<bool>;

/// One question, and the object that it concerns, if any.
struct Requirement<'a> {
    question: Question<'a>,
    object: Option<&'a BackupLocation>,
}

/// Everything that one statement denies.
#[derive(Default)]
struct Denied<'a> {
    actions: BTreeSet<&'a str>,
    who: BTreeSet<Asker<'a>>,
    objects: BTreeSet<String>,
    conditions: Vec<String>,
}

/// Checks a bucket policy against a seeding. For [`Access::Existing`], also returns the backups that it does not allow
/// ElastiCache to read; their ACLs decide ([`ungranted_finding`]).
pub fn policy_findings<'a>(needs: &Needs<'a>, look: &PolicyLook) -> (Vec<Finding>, Vec<&'a BackupLocation>) {
    let existing = needs.access == Access::Existing;
    let ungranted = || if existing { needs.backups.iter().collect() } else { Vec::new() };
    let text = match look {
        PolicyLook::Text(text) => text,
        PolicyLook::None => return (Vec::new(), ungranted()),
        PolicyLook::Forbidden => {
            let remedy = "allow prepare-seeding's role to read the bucket policy (s3:GetBucketPolicy), so that problems show before the create";
            let finding = not_checked(needs.bucket, remedy).with("reason", "access to the policy is denied");
            return (vec![finding], ungranted());
        }
    };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let remedy = "check that the policy allows ElastiCache and the stack's functions";
            return (vec![not_checked(needs.bucket, remedy).with("reason", error.to_string())], ungranted());
        }
    };
    let context = Context { account: &needs.partition.account, now_ms: needs.now_ms };
    let service = needs.partition.service_principal();
    let arns = Arns::of(needs);
    let mut findings = denials(needs, &document, &all_needs(needs, &service, &arns), &context);
    if !existing {
        return (findings, Vec::new());
    }
    let mut ungranted = Vec::new();
    let mut conditioned = BTreeSet::new();
    for (backup, arn) in needs.backups.iter().zip(&arns.objects) {
        let read = Question { asker: Asker::Service(&service), action: "s3:GetObject", resource: arn };
        match document.grant(&read, &context) {
            Grant::Yes => {}
            Grant::Conditioned { statement } => {
                conditioned.insert(statement);
            }
            Grant::No | Grant::Perhaps { .. } => ungranted.push(backup),
        }
    }
    findings.extend(conditioned.into_iter().map(|statement| {
        let remedy = "remove the statement's conditions if the restore fails: AWS does not document whether ElastiCache meets them";
        not_checked(needs.bucket, remedy).with("statement", statement)
    }));
    (findings, ungranted)
}

/// The finding for a backup that the bucket policy does not allow ElastiCache to read.
///
/// The bucket's owner may still allow it while the backup is being read: grant-access checks again and decides. A dry
/// run ends before that, so there it is a fail.
pub fn ungranted_finding(needs: &Needs<'_>, backup: &BackupLocation, acl: AclLook) -> Option<Finding> {
    let principal = needs.partition.service_principal();
    let remedy = "add the statement of the ElastiCache user guide to the bucket policy, or use access: auto";
    let reason =
        format!("no statement without unknown conditions, and no ACL, allows {principal} to read the object");
    let code = match acl {
        Some(true) => return None,
        Some(false) if needs.dry_run => Code::AccessDeniedByPolicy,
        Some(false) => Code::GrantNotChecked,
        None => {
            let remedy = "make sure that the bucket's owner has granted ElastiCache access to the object";
            return Some(Finding::new(Code::GrantNotChecked, remedy).about(backup));
        }
    };
    Some(Finding::new(code, remedy).about(backup).with("reason", reason))
}

/// The ARNs that questions borrow.
struct Arns {
    bucket: String,
    /// The ARNs of the backups, in their order.
    objects: Vec<String>,
}

impl Arns {
    fn of(needs: &Needs<'_>) -> Self {
        let partition = &needs.partition.partition;
        Self {
            bucket: format!("arn:{partition}:s3:::{}", needs.bucket),
            objects: needs.backups.iter().map(|backup| backup.arn(partition)).collect(),
        }
    }
}

fn all_needs<'a>(needs: &Needs<'a>, service: &'a str, arns: &'a Arns) -> Vec<Requirement<'a>> {
    let mut all = Vec::new();
    let mut on_bucket = |asker, actions: &[&'static str]| {
        all.extend(actions.iter().map(|action| Requirement {
            question: Question { asker, action, resource: &arns.bucket },
            object: None,
        }));
    };
    let elasticache = match (needs.access, needs.partition.canonical_id()) {
        (Access::Acl, Some(id)) => Asker::CanonicalUser(id),
        _ => Asker::Service(service),
    };
    on_bucket(elasticache, &ACTIONS_ON_BUCKET);
    let account = needs.partition.account.as_str();
    let roles = |arns: &'a [String]| -> Vec<Asker<'a>> {
        let known = arns.iter().map(|arn| Asker::Role { account, arn: Some(arn) });
        if arns.is_empty() { vec![Asker::Role { account, arn: None }] } else { known.collect() }
    };
    let (readers, granters) = (roles(&needs.roles.readers), roles(&needs.roles.granters));
    for &reader in &readers {
        on_bucket(reader, &["s3:ListBucket"]);
    }
    let way = way(needs);
    if way == Some(Way::Policy) {
        for &granter in &granters {
            on_bucket(granter, &["s3:GetBucketPolicy", "s3:PutBucketPolicy"]);
        }
    }
    for (object, resource) in needs.backups.iter().zip(&arns.objects) {
        let mut on_object = |asker, actions: &[&'static str]| {
            all.extend(actions.iter().map(|action| Requirement {
                question: Question { asker, action, resource },
                object: Some(object),
            }));
        };
        on_object(elasticache, &ACTIONS_ON_OBJECTS);
        for &reader in &readers {
            on_object(reader, &["s3:GetObject"]);
        }
        if way == Some(Way::Acl) {
            for &granter in &granters {
                on_object(granter, &["s3:GetObjectAcl", "s3:PutObjectAcl"]);
            }
        }
    }
    all
}

/// The way of granting access, if it does not depend on the bucket's ownership controls.
fn way(needs: &Needs<'_>) -> Option<Way> {
    let [with, without] =
        [true, false].map(|acls_enabled| choose_way(needs.access, needs.partition, acls_enabled));
    (with == without).then_some(with)
}

fn denials(
    needs: &Needs<'_>,
    document: &Document,
    all: &[Requirement<'_>],
    context: &Context<'_>,
) -> Vec<Finding> {
    let mut by_statement = BTreeMap::<(Answer, &str), Denied<'_>>::new();
    for Requirement { question, object } in all {
        for (statement, answer) in document.denials(question, context) {
            let denied = by_statement.entry((answer, statement.name.as_str())).or_default();
            denied.actions.insert(question.action);
            denied.who.insert(question.asker);
            denied.objects.extend(object.map(ToString::to_string));
            denied.conditions = statement.conditions();
        }
    }
    let certain: BTreeSet<_> =
        by_statement.keys().filter(|(answer, _)| *answer == Answer::Yes).map(|(_, name)| *name).collect();
    // If a statement certainly denies something, what it may deny is not reported as well.
    let told =
        by_statement.iter().filter(|((answer, name), _)| *answer == Answer::Yes || !certain.contains(name));
    told.map(|((answer, name), denied)| denied.finding(needs.bucket, name, *answer)).collect()
}

impl Denied<'_> {
    fn finding(&self, bucket: &str, statement: &str, answer: Answer) -> Finding {
        let who: Vec<_> = self.who.iter().map(|asker| shown(asker)).collect();
        let actions: Vec<_> = self.actions.iter().copied().collect();
        let finding = if answer == Answer::Yes {
            let remedy = format!(
                "remove the Deny statement {statement} from the policy of {bucket}, or narrow it so that it does not match {}",
                who.join(" and ")
            );
            Finding::new(Code::AccessDeniedByPolicy, remedy)
        } else {
            let remedy = format!(
                "make sure that the Deny statement {statement} of the policy of {bucket} does not match {}",
                who.join(" and ")
            );
            Finding::new(Code::GrantNotChecked, remedy)
        };
        let mut finding = match self.objects.first() {
            Some(object) if self.objects.len() == 1 => finding.about(object),
            _ => finding.about(bucket),
        };
        finding = finding.with("statement", statement).with("denies", actions).with("to", who);
        if self.objects.len() > 1 {
            let objects: Vec<_> = self.objects.iter().take(SHOWN).cloned().collect();
            finding = finding.with("objects", objects);
        }
        if self.conditions.is_empty() { finding } else { finding.with("conditions", self.conditions.clone()) }
    }
}

fn shown(asker: &Asker<'_>) -> String {
    match asker {
        Asker::Service(name) => (*name).to_owned(),
        Asker::CanonicalUser(_) => "ElastiCache's canonical user".to_owned(),
        Asker::Role { arn: Some(arn), .. } => (*arn).to_owned(),
        Asker::Role { arn: None, account } => format!("the stack's functions in {account}"),
    }
}

fn not_checked(bucket: &str, remedy: &str) -> Finding {
    Finding::new(Code::GrantNotChecked, remedy).about(bucket)
}
