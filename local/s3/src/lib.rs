//! S3 on loopback: objects on disk, with the access rules that seeding depends on.
