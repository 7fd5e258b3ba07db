"""What tests of flows use, by the path and the name that users of Prefect know."""

from perdure.testing.home import fresh_home

prefect_test_harness = fresh_home

__all__ = ["fresh_home", "prefect_test_harness"]
