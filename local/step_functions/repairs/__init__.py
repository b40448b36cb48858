"""Repairs of moto 5.2.5 where it departs from AWS: one module per departure that matters here."""


def apply() -> None:
    """Applies all repairs. Must run before moto's server is imported."""
    from . import (
        callbacks,
        endpoints,
        error_names,
        execution_names,
        expressions,
        managed_keys,
        pauses,
        query_errors,
        run_executions,
        stopped_executions,
    )

    run_executions.apply()
    # The clients first: the modules below bind the function when they are imported.
    endpoints.apply()
    expressions.apply()
    query_errors.apply()
    error_names.apply()
    execution_names.apply()
    managed_keys.apply()
    pauses.apply()
    stopped_executions.apply()
    callbacks.apply()
