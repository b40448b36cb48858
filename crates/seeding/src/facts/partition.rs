//! The partition, region and account of an execution, and what differs between partitions.

use serde::{Deserialize, Serialize};

use crate::error::StepError;

/// The partition, region and account that an execution runs in, read from its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partition {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The region's name.
    pub region: String,
    /// The account ID.
    pub account: String,
}

impl Partition {
    /// Parses an execution's ARN (`arn:PARTITION:states:REGION:ACCOUNT:execution:MACHINE:NAME`). Also returns the
    /// execution's name.
    pub fn of_execution(arn: &str) -> Result<(Self, &str), StepError> {
        let parts: Vec<_> = arn.splitn(8, ':').collect();
        match parts[..] {
            ["arn", partition, "states", region, account, "execution", _, name] if !name.is_empty() => {
                let [partition, region, account] = [partition, region, account].map(str::to_owned);
                Ok((Self { partition, region, account }, name))
            }
            _ => Err(StepError::new(
                crate::error::ErrorName::InvalidInput,
                format!("`{arn}` is not the ARN of an execution"),
                "expected arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME",
            )),
        }
    }

    /// The service principal with which ElastiCache reads backups. Source: ElastiCache user guide, "Seeding a new
    /// cluster with an externally created backup", step 4. AWS documents it for the commercial partition; other
    /// partitions are assumed to have the same form.
    pub fn service_principal(&self) -> String {
        format!("{}.elasticache-snapshot.amazonaws.com", self.region)
    }

    /// The canonical user with which ElastiCache reads backups if a bucket uses ACLs. Sources: the seeding and
    /// exporting pages of the user guide, and the ElastiCache page of the AWS China guide.
    pub fn canonical_id(&self) -> Option<&'static str> {
        match (self.partition.as_str(), self.region.as_str()) {
            ("aws", _) => Some("540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353"),
            ("aws-us-gov", "us-gov-west-1") => {
                Some("40fa568277ad703bd160f66ae4f83fc9dfdfd06c2f1b5060ca22442ac3ef8be6")
            }
            ("aws-us-gov", "us-gov-east-1") => {
                Some("c54286759d2a83da9c480405349819c993557275cf37d820d514b42da6893f5c")
            }
            ("aws-cn", _) => Some("b14d6a125bdf69854ed8ef2e71d8a20b7c490f252229b806e514966e490b8d83"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_execution_arn_tells_where_it_runs() {
        let arn = "arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:seed-cluster:orders-1";
        let (partition, name) = Partition::of_execution(arn).unwrap();
        assert_eq!((name, partition.account.as_str()), ("orders-1", "123456789012"));
        assert_eq!(partition.service_principal(), "us-gov-west-1.elasticache-snapshot.amazonaws.com");
        assert!(partition.canonical_id().unwrap().starts_with("40fa"));
        for arn in
            ["", "orders", "arn:aws:states:us-east-1:1:stateMachine:x", "arn:aws:states:r:a:execution:m:"]
        {
            assert!(Partition::of_execution(arn).is_err(), "{arn}");
        }
    }
}
