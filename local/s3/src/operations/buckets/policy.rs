//! Bucket policy: put, get, delete.

use s3s::{
    S3Request, S3Result,
    dto::{
        DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
        PutBucketPolicyInput, PutBucketPolicyOutput,
    },
    s3_error,
};

use crate::{access::policy::Policy, operations::admission::Action, service::Service};

impl Service {
    pub(crate) fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<GetBucketPolicyOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketPolicy", name))?;
        let policy = self.store.with(name, |bucket| {
            let policy = bucket.policy.shown();
            let policy =
                policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))?;
            Ok(policy.text.clone())
        })?;
        Ok(GetBucketPolicyOutput { policy: Some(policy) })
    }

    pub(crate) fn put_bucket_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> S3Result<PutBucketPolicyOutput> {
        let name = request.input.bucket.clone();
        self.admit(&request, Action::on_bucket("s3:PutBucketPolicy", &name))?;
        let policy = Policy::parse(request.input.policy, &name)
            .map_err(|message| s3_error!(MalformedPolicy, "{message}"))?;
        self.store.with(&name, |bucket| {
            bucket.policy.change(Some(policy), self.switches.policy_delay);
            Ok(())
        })?;
        Ok(PutBucketPolicyOutput {})
    }

    pub(crate) fn delete_bucket_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
    ) -> S3Result<DeleteBucketPolicyOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:DeleteBucketPolicy", name))?;
        self.store.with(name, |bucket| {
            bucket.policy.change(None, self.switches.policy_delay);
            Ok(())
        })?;
        Ok(DeleteBucketPolicyOutput {})
    }
}
