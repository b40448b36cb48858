//! The notification configuration of a bucket: get and put.

use s3s::{
    S3Request, S3Result,
    dto::{
        GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
        LambdaFunctionConfiguration, PutBucketNotificationConfigurationInput,
        PutBucketNotificationConfigurationOutput,
    },
    s3_error,
};
use uuid::Uuid;

use crate::{
    notifications::event, operations::admission::Action, request::identity::Identity, service::Service,
};

/// Most notification configurations of one bucket, as on S3.
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
        let request_id = Identity::of(&request).request_id;
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
