__all__ = [
    "fresh_home",
    "prefect_test_harness",
]

from perdure.testing.home import fresh_home as fresh_home

from perdure.testing.home import fresh_home as prefect_test_harness
