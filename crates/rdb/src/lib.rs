//! Reads Redis and Valkey RDB files: structure, checksum and contents, in one pass and in constant memory.
