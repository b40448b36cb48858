//! The local stack put together: one state machine, ten functions, S3, ElastiCache and Step Functions.
