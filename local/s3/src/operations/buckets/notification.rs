//! The notification configuration of a bucket: kept, checked, and matched against what happens.

use s3s::dto::{
    FilterRuleName, GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
    LambdaFunctionConfiguration, PutBucketNotificationConfigurationInput,
    PutBucketNotificationConfigurationOutput,
};
use s3s::{S3Request, S3Result, s3_error};
use uuid::Uuid;

use crate::notifications::event;
use crate::operations::admission::{Action, identity};
use crate::service::Service;

/// Most configurations of one bucket, as on S3.
const CONFIGURATION_LIMIT: usize = 100;

impl Service {
    pub(crate) fn get_bucket_notification_configuration(
        &self,
        request: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> S3Result<GetBucketNotificationConfigurationOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketNotification", name))?;
        let kept = self.store.with(name, |bucket| Ok(bucket.notification.clone()))?;
        Ok(GetBucketNotificationConfigurationOutput {
            event_bridge_configuration: kept.event_bridge_configuration,
            lambda_function_configurations: kept.lambda_function_configurations,
            queue_configurations: None,
            topic_configurations: None,
        })
    }

    pub(crate) fn put_bucket_notification_configuration(
        &self,
        request: S3Request<PutBucketNotificationConfigurationInput>,
    ) -> S3Result<PutBucketNotificationConfigurationOutput> {
        let name = request.input.bucket.clone();
        self.admit(&request, Action::on_bucket("s3:PutBucketNotification", &name))?;
        let request_id = identity(&request).request_id;
        let mut configuration = request.input.notification_configuration;
        let others = [
            configuration.queue_configurations.as_ref().map(Vec::len),
            configuration.topic_configurations.as_ref().map(Vec::len),
        ];
        if others.into_iter().flatten().sum::<usize>() > 0 {
            return Err(s3_error!(
                NotImplemented,
                "queues and topics are not supported here, Lambda functions are"
            ));
        }
        let targets = configuration.lambda_function_configurations.get_or_insert_default();
        if targets.len() > CONFIGURATION_LIMIT {
            return Err(s3_error!(
                InvalidArgument,
                "{} configurations, at most {CONFIGURATION_LIMIT}",
                targets.len()
            ));
        }
        for target in targets.iter_mut() {
            check(target)?;
            target.id.get_or_insert_with(|| Uuid::new_v4().to_string());
        }
        let arns: Vec<String> = targets.iter().map(|target| target.lambda_function_arn.clone()).collect();
        self.store.with(&name, |bucket| {
            bucket.notification = configuration;
            Ok(())
        })?;
        for arn in arns {
            self.notifier.invoke(&arn, &event::test_event(&name, &request_id));
        }
        Ok(PutBucketNotificationConfigurationOutput {})
    }
}

fn check(target: &LambdaFunctionConfiguration) -> S3Result<()> {
    let arn = &target.lambda_function_arn;
    if !(arn.starts_with("arn:") && arn.contains(":lambda:") && arn.contains(":function:")) {
        return Err(s3_error!(InvalidArgument, "The ARN is not well formed: {arn}"));
    }
    if target.events.is_empty() {
        return Err(s3_error!(MalformedXML, "a configuration for {arn} names no events"));
    }
    for event in &target.events {
        if !event.as_ref().starts_with("s3:") {
            return Err(s3_error!(
                InvalidArgument,
                "The event is not supported for notifications: {}",
                event.as_ref()
            ));
        }
    }
    Ok(())
}

/// Whether `target` asks for `event` (as `ObjectCreated:Put`) on `key`.
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
    fn events_and_filters_decide_who_is_told() {
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
