//! Filters of a notification configuration: the events and keys that a target receives.

use s3s::dto::{FilterRuleName, LambdaFunctionConfiguration};

/// Whether `target` receives `event`, such as `ObjectCreated:Put`, for `key`.
pub(crate) fn matches(target: &LambdaFunctionConfiguration, event: &str, key: &str) -> bool {
    let wanted = target.events.iter().any(|wanted| {
        wanted.as_ref().strip_prefix("s3:").is_some_and(|wanted| match wanted.strip_suffix('*') {
            Some(start) => event.starts_with(start),
            None => event == wanted,
        })
    });
    let filter = target.filter.as_ref().and_then(|filter| filter.key.as_ref());
    let mut rules = filter.and_then(|key| key.filter_rules.as_ref()).into_iter().flatten();
    wanted
        && rules.all(|rule| {
            let value = rule.value.as_deref().unwrap_or_default();
            match rule.name.as_ref().map(FilterRuleName::as_str) {
                Some(FilterRuleName::PREFIX) => key.starts_with(value),
                Some(FilterRuleName::SUFFIX) => key.ends_with(value),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use s3s::dto::{Event, FilterRule, NotificationConfigurationFilter, S3KeyFilter};

    use super::*;

    #[test]
    fn events_and_filters_select_targets() {
        let rule = |name, value: &str| FilterRule {
            name: Some(FilterRuleName::from_static(name)),
            value: Some(value.into()),
        };
        let target = |event: &str| LambdaFunctionConfiguration {
            events: vec![Event::from(event.to_owned())],
            filter: Some(NotificationConfigurationFilter {
                key: Some(S3KeyFilter {
                    filter_rules: Some(vec![rule("prefix", "drops/"), rule("suffix", ".rdb")]),
                }),
            }),
            id: None,
            lambda_function_arn: "arn:aws:lambda:us-east-1:123456789012:function:start-seeding".into(),
        };
        assert!(matches(&target("s3:ObjectCreated:*"), "ObjectCreated:Put", "drops/a.rdb"));
        assert!(matches(&target("s3:ObjectCreated:Put"), "ObjectCreated:Put", "drops/a.rdb"));
        assert!(!matches(&target("s3:ObjectCreated:Copy"), "ObjectCreated:Put", "drops/a.rdb"));
        assert!(!matches(&target("s3:ObjectCreated:*"), "ObjectCreated:Put", "other/a.rdb"));
        assert!(!matches(&target("s3:ObjectCreated:*"), "ObjectCreated:Put", "drops/a.txt"));
    }
}
