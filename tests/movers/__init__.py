"""How Prefect 2's own public tests fare against Perdure: `python -m tests.movers.prefect_tests CHECKOUT`."""
