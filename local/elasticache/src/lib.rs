//! ElastiCache on loopback: the Query API in front of real Redis and Valkey servers.
