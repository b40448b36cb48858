//! Prices of nodes, if a person has put them into the reports bucket.

use seeding::{ClusterSpec, ExecutionFiles, NodePrices};

use super::PrepareSeeding;

/// The size limit of the file. It has some hundred prices.
const MAX_BYTES: i64 = 1 << 20;

impl PrepareSeeding {
    /// The prices of the engine's nodes in the region. What is not there or cannot be used is not known, which refuses
    /// nothing.
    pub(super) async fn prices(&self, spec: &ClusterSpec, region: &str) -> Option<NodePrices> {
        let key = ExecutionFiles::prices(region);
        match self.reports.read_up_to(&key, MAX_BYTES).await {
            Ok(list) => list?.of_engine(spec.engine, region),
            Err(error) => {
                tracing::warn!(%key, message = error.message, "the prices cannot be used");
                None
            }
        }
    }
}
