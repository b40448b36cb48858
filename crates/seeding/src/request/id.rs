//! The ID of the cluster to create.

use crate::{
    facts::identity::Identity,
    request::{ClusterRequest, kind::ClusterKind},
};

/// The longest ID of a replication group and of a serverless cache. Source: ElastiCache API,
/// `CreateReplicationGroup.ReplicationGroupId`, `CreateServerlessCache.ServerlessCacheName`.
const MAX_CHARS: usize = 40;
/// The longest ID of a cache cluster. Source: ElastiCache API, `CreateCacheCluster.CacheClusterId`.
const MAX_CACHE_CLUSTER_CHARS: usize = 50;
/// A hyphen and the execution's hash.
const SUFFIX_CHARS: usize = 17;
/// The most that is taken of a file's name.
const MAX_STEM_CHARS: usize = 31;

/// The rule of ElastiCache that an ID breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterIdError {
    /// Empty or too long.
    #[error("choose a cluster ID of 1 to {most} characters: this one has {found}")]
    Length {
        /// The characters that it has.
        found: usize,
        /// The most that it may have.
        most: usize,
    },
    /// The first character is not a letter.
    #[error("begin the cluster ID with a letter")]
    FirstCharacter,
    /// A character other than letters, digits and single hyphens.
    #[error("use only letters, digits and single hyphens for the cluster ID, and none at its end")]
    Characters,
}

impl ClusterRequest {
    /// The ID of the cluster: the given one in lower case, or one from the first backup's `stem`.
    ///
    /// Nothing about a cache cluster that is being created says who created it. So its ID does: it ends with the
    /// execution's hash, unless the request asks for the exact ID.
    pub fn id_for(&self, stem: &str, execution: &Identity) -> String {
        let hash = execution.hash();
        match &self.id {
            Some(id) if self.has_marked_id() => format!("{}-{hash}", id.to_lowercase()),
            Some(id) => id.to_lowercase(),
            None if self.has_marked_id() => format!("{}-{hash}", base(stem)),
            // 8 digits suffice to make it another one for each execution.
            None => format!("{}-{}", base(stem), &hash[..8]),
        }
    }

    fn has_marked_id(&self) -> bool {
        is_marked(self.kind.unwrap_or_default(), self.exact_id.unwrap_or(false))
    }
}

/// Whether the ID of a cluster ends with its execution's hash.
pub(crate) fn is_marked(kind: ClusterKind, exact_id: bool) -> bool {
    kind == ClusterKind::CacheCluster && !exact_id
}

/// Checks an ID. What is checked, and returned with a fault, is the part that the request chooses.
pub(crate) fn check(kind: ClusterKind, exact_id: bool, id: &str) -> Result<(), (&str, ClusterIdError)> {
    let (chosen, most) = match kind {
        ClusterKind::CacheCluster if is_marked(kind, exact_id) => {
            let chosen = id.get(..id.len().saturating_sub(SUFFIX_CHARS)).unwrap_or(id);
            (chosen, MAX_CACHE_CLUSTER_CHARS - SUFFIX_CHARS)
        }
        ClusterKind::CacheCluster => (id, MAX_CACHE_CLUSTER_CHARS),
        ClusterKind::ReplicationGroup | ClusterKind::Serverless => (id, MAX_CHARS),
    };
    let found = chosen.chars().count();
    if !(1..=most).contains(&found) {
        Err((chosen, ClusterIdError::Length { found, most }))
    } else if !chosen.starts_with(|c: char| c.is_ascii_alphabetic()) {
        Err((chosen, ClusterIdError::FirstCharacter))
    } else if chosen.ends_with('-')
        || chosen.contains("--")
        || !chosen.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        Err((chosen, ClusterIdError::Characters))
    } else {
        Ok(())
    }
}

/// A backup's stem, changed to the beginning of a valid ID.
fn base(stem: &str) -> String {
    let base = clean(stem, MAX_STEM_CHARS);
    if base.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return base;
    }
    clean(&format!("backup-{base}"), MAX_STEM_CHARS)
}

/// Lower case, everything but letters and digits to single hyphens, none at either end, at most `chars` characters.
pub(crate) fn clean(text: &str, chars: usize) -> String {
    let mut cleaned = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            cleaned.push(c);
        } else if !cleaned.is_empty() && !cleaned.ends_with('-') {
            cleaned.push('-');
        }
    }
    cleaned.truncate(chars);
    cleaned.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [ClusterKind; 3] =
        [ClusterKind::ReplicationGroup, ClusterKind::CacheCluster, ClusterKind::Serverless];

    fn request(kind: ClusterKind, id: Option<&str>, exact_id: Option<bool>) -> ClusterRequest {
        ClusterRequest { kind: Some(kind), id: id.map(str::to_owned), exact_id, ..ClusterRequest::default() }
    }

    proptest! {
        #[test]
        fn any_file_name_gives_a_valid_id_of_its_own_for_each_execution(
            stem in ".{0,80}", execution in "[a-z0-9-]{1,80}", kind in prop::sample::select(&KINDS[..]),
        ) {
            let of = |execution: &str| {
                request(kind, None, None).id_for(&stem, &Identity::new(execution, execution))
            };
            let id = of(&execution);
            prop_assert_eq!(check(kind, false, &id), Ok(()), "{}", id);
            // Also as ElastiCache checks it, to which the suffix is nothing special.
            prop_assert_eq!(check(ClusterKind::CacheCluster, true, &id), Ok(()), "{}", id);
            prop_assert_ne!(id, of(&format!("{execution}x")));
        }

        #[test]
        fn a_chosen_id_is_valid_with_its_suffix_if_it_is_without(id in "[a-zA-Z0-9_-]{0,40}") {
            let execution = Identity::new("arn", "orders-1");
            let marked = request(ClusterKind::CacheCluster, Some(&id), None).id_for("x", &execution);
            prop_assert!(marked.ends_with(execution.hash()));
            let whole = check(ClusterKind::CacheCluster, true, &marked).is_ok();
            prop_assert_eq!(check(ClusterKind::CacheCluster, false, &marked).is_ok(), whole, "{}", marked);
        }
    }

    #[test]
    fn ids_that_elasticache_refuses_are_refused_here() {
        for (kind, exact, most) in [
            (ClusterKind::ReplicationGroup, false, 40),
            (ClusterKind::Serverless, false, 40),
            (ClusterKind::CacheCluster, true, 50),
        ] {
            assert_eq!(check(kind, exact, &"a".repeat(most)), Ok(()));
            let long = "a".repeat(most + 1);
            let fault = ClusterIdError::Length { found: most + 1, most };
            assert_eq!(check(kind, exact, &long), Err((long.as_str(), fault)));
            for id in ["", "1a", "a-", "a--b", "a_b", "é"] {
                assert!(check(kind, exact, id).is_err(), "{id}");
            }
        }
    }

    #[test]
    fn the_id_of_a_cache_cluster_ends_with_the_executions_hash_unless_it_is_exact() {
        let execution = Identity::new("arn", "orders-1");
        let marked = |id: &str| request(ClusterKind::CacheCluster, Some(id), None).id_for("x", &execution);
        assert_eq!(marked("Orders"), format!("orders-{}", execution.hash()));
        for (chosen, fault) in [
            ("a".repeat(34), ClusterIdError::Length { found: 34, most: 33 }),
            ("orders-".to_owned(), ClusterIdError::Characters),
            (String::new(), ClusterIdError::Length { found: 0, most: 33 }),
            ("é".repeat(10), ClusterIdError::FirstCharacter),
        ] {
            let id = marked(&chosen);
            assert_eq!(check(ClusterKind::CacheCluster, false, &id), Err((chosen.as_str(), fault)));
        }
        assert_eq!(check(ClusterKind::CacheCluster, false, &marked(&"a".repeat(33))), Ok(()));
        let exact = request(ClusterKind::CacheCluster, Some("Orders"), Some(true));
        assert_eq!(exact.id_for("x", &execution), "orders");
    }
}
