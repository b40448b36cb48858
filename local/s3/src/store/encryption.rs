//! Server-side encryption of objects, buckets and requests.

use s3s::{
    S3Result,
    dto::{self, ServerSideEncryption},
    s3_error,
};

/// The AWS managed key of the account, used for `aws:kms` without a key ID.
const MANAGED_KEY: &str = "0a5c0e70-9f3c-4c1e-8a53-5e1f0c0a53a3";

/// The encryption of an object as callers see it. The bytes on disk are not encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; `None` with a customer-provided key.
    pub(crate) algorithm: Option<ServerSideEncryption>,
    pub(crate) kms_key_id: Option<String>,
    /// `Some(true)` if an S3 Bucket Key is used.
    pub(crate) bucket_key_enabled: Option<bool>,
    /// SSE-C: algorithm, and MD5 of the key.
    pub(crate) customer: Option<(String, String)>,
}

/// The encryption that a request specifies.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncryptionRequest {
    pub(crate) algorithm: Option<ServerSideEncryption>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) bucket_key_enabled: Option<bool>,
    pub(crate) customer_algorithm: Option<String>,
    pub(crate) customer_key_md5: Option<String>,
}

impl EncryptionRequest {
    /// Returns the encryption of the object: the requested one, or the default of its bucket.
    pub(crate) fn resolve(
        self,
        default: &Encryption,
        region: &str,
        account_id: &str,
    ) -> S3Result<Encryption> {
        if let Some(algorithm) = self.customer_algorithm {
            let md5 = self.customer_key_md5.ok_or_else(|| {
                s3_error!(InvalidArgument, "SSE-C needs the MD5 of the key beside its algorithm")
            })?;
            return Ok(Encryption { customer: Some((algorithm, md5)), ..Encryption::default() });
        }
        let Some(algorithm) = self.algorithm else { return Ok(default.clone()) };
        match algorithm.as_str() {
            ServerSideEncryption::AES256 if self.kms_key_id.is_none() => {
                Ok(Encryption { algorithm: Some(algorithm), ..Encryption::default() })
            }
            ServerSideEncryption::AWS_KMS | ServerSideEncryption::AWS_KMS_DSSE => {
                let kms_key_id = Some(key_arn(self.kms_key_id.as_deref(), region, account_id));
                let bucket_key_enabled =
                    self.bucket_key_enabled.or(default.bucket_key_enabled).filter(|enabled| *enabled);
                Ok(Encryption { algorithm: Some(algorithm), kms_key_id, bucket_key_enabled, customer: None })
            }
            ServerSideEncryption::AES256 => {
                Err(s3_error!(InvalidArgument, "a KMS key id goes only with aws:kms"))
            }
            other => Err(s3_error!(InvalidEncryptionAlgorithmError, "unknown encryption algorithm {other}")),
        }
    }
}

impl Encryption {
    /// The default encryption of new buckets.
    pub(crate) fn sse_s3() -> Self {
        Self {
            algorithm: Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256)),
            ..Self::default()
        }
    }

    /// Reads the default encryption of a bucket from its configuration.
    pub(crate) fn from_rule(
        rule: &dto::ServerSideEncryptionRule,
        region: &str,
        account_id: &str,
    ) -> S3Result<Self> {
        let Some(default) = &rule.apply_server_side_encryption_by_default else {
            return Ok(Self { bucket_key_enabled: rule.bucket_key_enabled, ..Self::sse_s3() });
        };
        let asked = EncryptionRequest {
            algorithm: Some(default.sse_algorithm.clone()),
            kms_key_id: default.kms_master_key_id.clone(),
            bucket_key_enabled: rule.bucket_key_enabled,
            ..EncryptionRequest::default()
        };
        asked.resolve(&Self::sse_s3(), region, account_id)
    }

    pub(crate) fn customer_algorithm(&self) -> Option<String> {
        self.customer.as_ref().map(|(algorithm, _)| algorithm.clone())
    }

    pub(crate) fn customer_key_md5(&self) -> Option<String> {
        self.customer.as_ref().map(|(_, md5)| md5.clone())
    }

    /// Rejects a read of an SSE-C object without its key or with another key.
    pub(crate) fn check_customer_key(&self, algorithm: Option<&str>, key_md5: Option<&str>) -> S3Result<()> {
        match (&self.customer, algorithm, key_md5) {
            (None, None, _) => Ok(()),
            (None, Some(_), _) => {
                Err(s3_error!(InvalidRequest, "The encryption parameters are not applicable to this object."))
            }
            (Some(_), None, _) => Err(s3_error!(
                InvalidRequest,
                "The object was stored using a form of Server Side Encryption. The correct parameters must be \
                 provided to retrieve the object."
            )),
            (Some((_, md5)), Some(_), given) if given == Some(md5) => Ok(()),
            (Some(_), Some(_), _) => Err(s3_error!(AccessDenied, "the key is not the one of the object")),
        }
    }
}

/// Returns the ARN of a key, which responses use however the key was named.
fn key_arn(key_id: Option<&str>, region: &str, account_id: &str) -> String {
    match key_id {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(alias) if alias.starts_with("alias/") => format!("arn:aws:kms:{region}:{account_id}:{alias}"),
        key_id => format!("arn:aws:kms:{region}:{account_id}:key/{}", key_id.unwrap_or(MANAGED_KEY)),
    }
}
