//! The name by which an execution is known in whatever it creates.

use sha2::{Digest, Sha256};

/// An execution's name, and a hash of its ARN.
///
/// The name alone follows from the dropped object, so that a second delivery of one event is one execution. Two stacks
/// that listen to one bucket therefore run executions of the same name; their ARNs, and so the hashes, differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    hash: String,
}

impl Identity {
    /// The identity of the execution with this ARN, whose last part is `name`.
    pub fn new(arn: &str, name: &str) -> Self {
        Self { name: name.to_owned(), hash: hex::encode(Sha256::digest(arn))[..16].to_owned() }
    }

    /// The execution's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first 16 hexadecimal digits of the SHA-256 of the execution's ARN.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The description of the cluster, and the value of its tag [`crate::EXECUTION_TAG`]. It marks a cluster as this
    /// execution's. Describe returns the description in every state; tags can be listed only once the cluster is
    /// available.
    pub fn owner_text(&self) -> String {
        format!("elasticache-seeder {} {}", self.name, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_of_one_name_in_two_stacks_are_two() {
        let arn =
            |machine: &str| format!("arn:aws:states:us-east-1:123456789012:execution:{machine}:orders-1");
        let [one, other] = ["a", "b"].map(|machine| Identity::new(&arn(machine), "orders-1"));
        assert_eq!(one.name(), other.name());
        assert_ne!(one.owner_text(), other.owner_text());
        assert_ne!(one.hash(), other.hash());
        // An ElastiCache description has at most 255 characters, an execution's name 80.
        assert!(Identity::new(&arn("a"), &"x".repeat(80)).owner_text().len() <= 255);
    }
}
