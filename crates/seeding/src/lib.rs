//! The domain of seeding ElastiCache from an RDB file: request, findings, plan, cluster state, error names.
