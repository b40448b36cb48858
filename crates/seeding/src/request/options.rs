//! The options of a seeding, as opposed to the cluster to create.

use serde::{Deserialize, Serialize};

use crate::{
    facts::restore_time::expected_minutes,
    finding::{Code, Finding},
    request::{Request, convert::Convert},
};

/// The way in which ElastiCache gets access to the bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Chosen from the partition and the bucket's ownership controls.
    #[default]
    Auto,
    /// A statement in the bucket policy.
    Policy,
    /// Grants in the objects' ACLs.
    Acl,
    /// The existing policy and ACLs; nothing is changed.
    Existing,
}

/// Whether a person has to approve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// The seeding continues by itself.
    #[default]
    None,
    /// It waits for a person, after the verdict.
    Required,
}

/// The action after a failed restore.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnRestoreFailed {
    /// Delete the cluster and fail.
    #[default]
    Delete,
    /// Keep the cluster for inspection; AWS does not bill it.
    Keep,
    /// Delete the cluster and create it again on the next larger node type.
    StartOver,
}

/// The options of a seeding, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// The way in which ElastiCache gets access.
    pub access: Access,
    /// The action after a failed restore.
    pub on_restore_failed: OnRestoreFailed,
    /// The most times that a failed restore is started over on a larger node type, 0 to 5.
    pub max_start_overs: u32,
    /// Stop after the verdict.
    pub dry_run: bool,
    /// Count the cluster's keys at the end.
    pub verify: bool,
    /// Headroom for growth, in percent of the memory of a shard's data, 0 to 1000.
    pub headroom_percent: u32,
    /// The node families that `nodeType: auto` chooses from.
    pub node_families: Vec<String>,
    /// The polling interval in seconds, 1 to 3600.
    pub poll_seconds: u32,
    /// The deadline for the cluster to become available, in minutes, 1 to 1380; the state machine ends after a day.
    pub deadline_minutes: u32,
    /// Whether the request names the deadline.
    #[serde(default)]
    pub deadline_given: bool,
    /// Conversion of backups that the engine does not read.
    #[serde(default)]
    pub convert: Convert,
    /// Whether a person has to approve.
    #[serde(default)]
    pub approval: Approval,
    /// The hours after which silence is a rejection, 1 to 168.
    #[serde(default)]
    pub approval_hours: u32,
    /// Omit key names from reports.
    pub hide_keys: bool,
    /// Codes of findings that do not forbid the seeding.
    pub allow: Vec<Code>,
}

impl Options {
    /// Fills in the defaults and checks the bounds; every violation is a finding.
    pub fn resolve(request: &Request, findings: &mut Vec<Finding>) -> Self {
        let mut bounded = |name: &str, value: Option<u32>, default: u32, low: u32, high: u32| {
            let value = value.unwrap_or(default);
            if !(low..=high).contains(&value) {
                let remedy = format!("set {name} to a number from {low} to {high}");
                findings.push(
                    Finding::new(Code::InvalidRequest, remedy).with("field", name).with("found", value),
                );
            }
            value.clamp(low, high)
        };
        let max_start_overs = bounded("maxStartOvers", request.max_start_overs, 1, 0, 5);
        let headroom_percent = bounded("headroomPercent", request.headroom_percent, 10, 0, 1000);
        let poll_seconds = bounded("pollSeconds", request.poll_seconds, 30, 1, 3600);
        let deadline_minutes = bounded("deadlineMinutes", request.deadline_minutes, 240, 1, 1380);
        let approval_hours = bounded("approvalHours", request.approval_hours, 24, 1, 168);
        let mut allow = Vec::new();
        for text in request.allow.iter().flatten() {
            match Code::ALL.iter().find(|code| code.as_str() == text) {
                Some(code) if code.can_be_allowed() => allow.push(*code),
                Some(code) => findings.push(
                    Finding::new(Code::InvalidRequest, format!("remove `{code}` from allow: it is final"))
                        .with("field", "allow"),
                ),
                None => {
                    let near = crate::facts::node_types::near_names(
                        text,
                        Code::ALL.iter().map(|code| code.as_str()),
                    );
                    findings.push(
                        Finding::new(
                            Code::InvalidRequest,
                            format!("remove `{text}` from allow: no finding has this code"),
                        )
                        .with("field", "allow")
                        .with("near", near),
                    );
                }
            }
        }
        let families = || {
            let engine = request.cluster.engine();
            engine.default_node_families().iter().map(ToString::to_string).collect()
        };
        Self {
            access: request.access.unwrap_or_default(),
            on_restore_failed: request.on_restore_failed.unwrap_or_default(),
            max_start_overs,
            dry_run: request.dry_run.unwrap_or(false),
            verify: request.verify.unwrap_or(false),
            headroom_percent,
            node_families: request.node_families.clone().unwrap_or_else(families),
            poll_seconds,
            deadline_minutes,
            deadline_given: request.deadline_minutes.is_some(),
            convert: Convert::resolve(&request.convert, findings),
            approval: request.approval.unwrap_or_default(),
            approval_hours,
            hide_keys: request.hide_keys.unwrap_or(false),
            allow,
        }
    }

    /// Adapts the deadline to the size of the backups. A deadline in the request is kept, with a warning if a restore
    /// of this size may take longer.
    pub fn settle_deadline(&mut self, bytes: u64) -> Option<Finding> {
        let expected = expected_minutes(bytes);
        if !self.deadline_given {
            self.deadline_minutes = self.deadline_minutes.max(expected);
            return None;
        }
        (self.deadline_minutes < expected).then(|| {
            let remedy =
                "raise deadlineMinutes, or leave it out: a cluster that is not available by then is deleted";
            Finding::new(Code::DeadlineShort, remedy)
                .with("deadlineMinutes", self.deadline_minutes)
                .with("expectedMinutes", expected)
                .with("bytes", bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(request: &serde_json::Value) -> Options {
        Options::resolve(&Request::from_layers(&[("request", request)]).unwrap(), &mut Vec::new())
    }

    #[test]
    fn node_families_follow_the_engine_unless_the_request_names_some() {
        let redis = json!({"cluster": {"engine": "redis"}});
        assert_eq!(options(&redis).node_families, ["r7g", "m7g", "t4g"]);
        assert_eq!(options(&json!({})).node_families, ["r7g", "m7g", "t4g", "r8g", "m8g", "c8gn"]);
        assert_eq!(options(&json!({"nodeFamilies": ["r6g"]})).node_families, ["r6g"]);
    }

    #[test]
    fn a_deadline_fits_the_size_unless_the_request_names_one() {
        const GB: u64 = 1_000_000_000;
        for (request, bytes, minutes, warned) in [
            (json!({}), GB, 240, false),
            (json!({}), 100 * GB, 630, false),
            (json!({}), 10_000 * GB, 1_380, false),
            (json!({"deadlineMinutes": 60}), GB, 60, false),
            (json!({"deadlineMinutes": 240}), 100 * GB, 240, true),
        ] {
            let mut options = options(&request);
            let finding = options.settle_deadline(bytes);
            assert_eq!((options.deadline_minutes, finding.is_some()), (minutes, warned), "{bytes}");
        }
    }
}
