//! End-to-end, state machine and template tests.
