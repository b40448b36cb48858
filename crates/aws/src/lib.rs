//! What the functions share at the edge to AWS: clients, telemetry, ranged reading, errors.
