//! seeder: check a backup and seed ElastiCache from the command line.
