//! The services that are called, and where they are.

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// EC2, which has the subnets.
    Ec2,
    /// IAM, which has the roles.
    Iam,
    /// EventBridge, which has the rules.
    EventBridge,
    /// CloudWatch, which has the alarms.
    CloudWatch,
    /// CloudWatch Logs.
    Logs,
    /// Service Quotas.
    Quotas,
    /// SQS, which has the dead letter queues.
    Sqs,
}

impl Service {
    /// The ID under which the AWS configuration has an endpoint, and the name in host names and signatures.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Ec2 => ("EC2", "ec2"),
            Self::Iam => ("IAM", "iam"),
            Self::EventBridge => ("EventBridge", "events"),
            Self::CloudWatch => ("CloudWatch", "monitoring"),
            Self::Logs => ("CloudWatch Logs", "logs"),
            Self::Quotas => ("Service Quotas", "servicequotas"),
            Self::Sqs => ("SQS", "sqs"),
        }
    }

    /// The host and the region of the signature. IAM has one endpoint for each partition. Source: AWS General
    /// Reference, "Service endpoints".
    pub(super) fn place(self, region: &str) -> (String, String) {
        let name = self.names().1;
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        match self {
            Self::Iam if region.starts_with("cn-") => {
                (format!("iam.cn-north-1.{suffix}"), "cn-north-1".into())
            }
            Self::Iam if region.starts_with("us-gov-") => {
                (format!("iam.us-gov.{suffix}"), "us-gov-west-1".into())
            }
            Self::Iam => (format!("iam.{suffix}"), "us-east-1".into()),
            _ => (format!("{name}.{region}.{suffix}"), region.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_iam() {
        let place = |service: Service, region: &str| service.place(region).0;
        assert_eq!(place(Service::Iam, "eu-west-1"), "iam.amazonaws.com");
        assert_eq!(place(Service::Iam, "cn-northwest-1"), "iam.cn-north-1.amazonaws.com.cn");
        assert_eq!(place(Service::Iam, "us-gov-east-1"), "iam.us-gov.amazonaws.com");
        assert_eq!(place(Service::Logs, "eu-west-1"), "logs.eu-west-1.amazonaws.com");
        assert_eq!(place(Service::CloudWatch, "cn-north-1"), "monitoring.cn-north-1.amazonaws.com.cn");
        assert_eq!(Service::Iam.place("us-gov-east-1").1, "us-gov-west-1");
    }
}
