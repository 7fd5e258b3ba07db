"""The task runners of one machine do what every task runner must."""

import pytest

from perdure.task_runners import ProcessTaskRunner, SequentialTaskRunner, ThreadTaskRunner
from perdure.testing.task_runner_conformance import TaskRunnerConformance


class TestThreads(TaskRunnerConformance):
    shares_memory = True

    @pytest.fixture
    def runner(self) -> ThreadTaskRunner:
        return ThreadTaskRunner(max_workers=2)


class TestSequential(TaskRunnerConformance):
    shares_memory = True
    has_workers = False

    @pytest.fixture
    def runner(self) -> SequentialTaskRunner:
        return SequentialTaskRunner()


@pytest.mark.slow
class TestProcesses(TaskRunnerConformance):
    @pytest.fixture
    def runner(self) -> ProcessTaskRunner:
        return ProcessTaskRunner(max_workers=2)
