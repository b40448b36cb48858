//! A line of the output: what was found, and what to do about it.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use seeder_aws::service_error;
use seeding::{ErrorName, Finding, Severity, StepError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::signed::CallError;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// As it has to be.
    Ok,
    /// A seeding may work, but a person should check.
    Warning,
    /// Seedings fail, or something is left over for ever.
    Fault,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) message: String,
    /// What to do; absent if all is well.
    pub(super) remedy: Option<String>,
}

impl Line {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self { level: Level::Ok, message: message.into(), remedy: None }
    }

    pub(super) fn warning(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, message: message.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fault(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Fault, ..Self::warning(message, remedy) }
    }

    /// The line of a finding that a seeding would have.
    pub(super) fn of_finding(finding: &Finding) -> Self {
        let level = match finding.severity {
            Severity::Fail => Level::Fault,
            Severity::Warn => Level::Warning,
            Severity::Note => Level::Ok,
        };
        let about = finding.backup.as_deref().map(|about| format!("{about}: ")).unwrap_or_default();
        let evidence: Vec<_> = finding
            .evidence
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => format!("{name} {text}"),
                value => format!("{name} {value}"),
            })
            .collect();
        let evidence =
            if evidence.is_empty() { String::new() } else { format!(" ({})", evidence.join(", ")) };
        let message = format!("{about}{}{evidence}", finding.code.as_str());
        Self { level, message, remedy: Some(finding.remedy.clone()) }
    }

    pub(super) fn text(&self, check: &str) -> String {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Fault => "fault",
        };
        let remedy = self.remedy.as_deref().map(|remedy| format!("{:9}do: {remedy}\n", ""));
        format!("{level:8} {check}: {}\n{}", self.message, remedy.unwrap_or_default())
    }

    pub(super) fn json(&self, check: &str) -> Value {
        json!({"check": check, "level": self.level, "message": self.message, "remedy": self.remedy})
    }
}

/// The reason why a check was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unchecked {
    permission: &'static str,
    denied: bool,
    reason: String,
}

impl Unchecked {
    pub(super) fn new(permission: &'static str, error: &StepError) -> Self {
        let denied = error.name == ErrorName::AccessDenied;
        Self { permission, denied, reason: error.message.clone() }
    }

    /// A call that is denied.
    pub(super) const fn denied(permission: &'static str) -> Self {
        Self { permission, denied: true, reason: String::new() }
    }

    /// A failed call of an SDK client. `doing` completes "failed to …".
    pub(super) fn of<E: ProvideErrorMetadata>(
        permission: &'static str,
        doing: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        Self::new(permission, &service_error(doing, error))
    }

    /// A failed call without an SDK client.
    pub(super) fn of_call(permission: &'static str, error: &CallError) -> Self {
        Self { permission, denied: error.is_denied(), reason: error.to_string() }
    }

    /// Names the permission, if that is what is missing.
    pub(super) fn line(self) -> Line {
        let Self { permission, denied, reason } = self;
        if denied {
            let remedy = format!("allow yourself {permission}, or ask someone who is allowed");
            Line::warning(format!("not checked, {permission} is denied"), remedy)
        } else {
            Line::warning(
                format!("not checked: {reason}"),
                "check the network and your credentials, and run this again",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_to_do_and_a_denied_call_names_its_permission() {
        assert_eq!(Line::ok("all is well").text("logs"), "ok       logs: all is well\n");
        let text = Line::fault("no bucket", "make one").text("buckets");
        assert_eq!(text, "fault    buckets: no bucket\n         do: make one\n");
        let error = StepError::new(ErrorName::AccessDenied, "failed", "ask");
        let line = Unchecked::new("iam:GetRole", &error).line();
        assert_eq!(line.level, Level::Warning);
        assert!(line.message.contains("iam:GetRole is denied"), "{line:?}");
        let lost = StepError::new(ErrorName::ServiceBusy, "the connection failed", "retry");
        assert!(Unchecked::new("iam:GetRole", &lost).line().message.ends_with("the connection failed"));
    }
}
