"""What programs of other systems write in a way of their own runs here once it is rewritten."""

import runpy
from pathlib import Path
from textwrap import dedent

import pytest

from perdure._migration.import_rewriting import rewrite
from perdure._migration.sources import SOURCES

PROGRAMS = {
    "dbos": (
        """
        from dbos import DBOS, DBOSConfig

        config: DBOSConfig = {"name": "shop"}
        DBOS(config=config)

        @DBOS.step(retries_allowed=True, max_attempts=3)
        def charge(amount):
            DBOS.logger.info("charging")
            return f"paid {amount}"

        @DBOS.workflow()
        def checkout(amount):
            assert DBOS.workflow_id
            return charge(amount)

        if __name__ == "__main__":
            DBOS.launch()
            handle = DBOS.start_workflow(checkout, 7)
            print(checkout(5), handle.get_result())
        """,
        "paid 5 paid 7\n",
    ),
    "joblib": (
        """
        from joblib import Memory

        memory = Memory("cache", verbose=0)

        @memory.cache(ignore=["log"])
        def square(n, log=None):
            print("computing")
            return n * n

        def cube(n):
            return n ** 3

        cached = memory.cache(cube)
        print(square(3), square(3, log=1), cached(2))
        """,
        "computing\n9 9 8\n",
    ),
    "dagster": (
        """
        import dagster as dg

        @dg.op(out=dg.Out(list), retry_policy=dg.RetryPolicy(max_retries=2, delay=0.1))
        def extract(context) -> list:
            context.log.info("extracting")
            return [1, 2, 3]

        @dg.op(ins={"rows": dg.In(list)})
        def load(context: dg.OpExecutionContext, rows):
            print(len(rows))

        @dg.job
        def etl():
            load(extract())

        if __name__ == "__main__":
            etl.execute_in_process()
        """,
        "3\n",
    ),
    "airflow": (
        """
        from airflow import DAG
        from airflow.decorators import task, task_group

        with DAG("two-steps") as dag:

            @task
            def numbers():
                return [1, 2]

            @task
            def square(n, offset=0):
                return n * n + offset

            @task
            def add(values):
                print(sum(values))

            @task_group
            def squares(n):
                return square.partial(offset=1).expand(n=n)

            first = numbers()
            last = add(squares(first))
            first >> last

        if __name__ == "__main__":
            dag.test()
        """,
        "7\n",
    ),
}
FOLDER = Path(__file__).parent / "programs"
PRINTED = {  # by files with longer programs
    "airflow_mapped": "total 33\n",
    "airflow_operators": "extract\nload sales 3\n",
    "dbos_orders": "14\n",
    "dbos_queue": "14\n",
    "dagster_assets": "reported\n",
    "joblib_parallel": "[10, 20] [30] [0.0, 1.0, 2.0] [3, 6]\n",
    "luigi_counts": "total 6\n",
    "luigi_deps": "sum 3\n",
    "luigi_dynamic": "whole 0123\n",
}
PROGRAMS |= {name: ((FOLDER / f"{name}.txt").read_text(), printed) for name, printed in PRINTED.items()}


@pytest.mark.parametrize("system", PROGRAMS)
def test_a_program_in_its_systems_idioms_runs_when_it_is_rewritten(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, printed = PROGRAMS[system]
    made = rewrite(dedent(program), SOURCES.values())
    assert made.findings == []
    assert f"import {system.partition('_')[0]}" not in made.text
    assert f"from {system.partition('_')[0]}" not in made.text
    assert rewrite(made.text, SOURCES.values()).text == made.text
    (tmp_path / "program.py").write_text(made.text)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(tmp_path / "program.py"), run_name="__main__")
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    "program",
    [
        "from joblib import Memory\nm = Memory('c')\n@m.cache\ndef f(): ...\nm.clear()\n",  # which has no counterpart
        "from joblib import Memory\nm = Memory('c')\nf = m.cache(self.f)\n",
        "from joblib import Parallel\nwith Parallel(2) as parallel:\n    parallel([])\n",
        "from joblib import Parallel, delayed\nParallel(2)(delayed(lambda x: x)(x) for x in [1])\n",
        "from joblib import Parallel, delayed\nParallel(2, timeout=3)(delayed(sum)(x) for x in [[1]])\n",
        "from joblib import Parallel, delayed\nParallel(2, return_as='list')(delayed(f)(x) for x in y)\ndef f(x): 0\n",
        "from joblib import Parallel, delayed\nfrom math import sqrt\nParallel(-2)(delayed(sqrt)(x) for x in [1])\n",
        "from dagster import op\n@op\ndef f(context):\n    return context.run_id\n",
        "from dbos import DBOS\ndef main():\n    DBOS.logger.info('outside of runs')\n",
        "import luigi\nclass A(luigi.Task):\n    def run(self):\n        print(self.task_id)\n",
        "import luigi\nclass A(luigi.Task):\n    def complete(self):\n        return True\n",
        "import luigi\nclass A(luigi.Task):\n    def run(self): pass\nassert luigi.build([A()])\n",
        "import luigi\nclass A(luigi.Task):\n    def run(self): pass\na = A()\n",
        "import luigi\nclass A(luigi.Task):\n    n = luigi.IntParameter()\n    def run(self):\n        n = 2\n",
        "from dagster import asset\n@asset(partitions_def=days)\ndef f(): ...\n",
        "from dagster import asset\n@asset\ndef f(other): ...\n",
    ],
)
def test_what_is_used_for_more_is_left_to_decide(program: str) -> None:
    made = rewrite(program, SOURCES.values())
    assert made.findings
    body = program.split("\n", 1)[1]
    assert all(line in made.text for line in body.splitlines() if not line.startswith(("@op", "@asset")))


def test_what_joblib_does_in_processes_is_a_flow_with_processes() -> None:
    program = (
        "from math import sqrt\nfrom joblib import Parallel, delayed\n"
        "n = Parallel(n_jobs=-1)(delayed(sqrt)(x) for x in [4])\n"
    )
    made = rewrite(program, SOURCES.values()).text
    assert "@flow(task_runner=ProcessTaskRunner())\ndef sqrt_in_parallel(calls):" in made
    assert made.endswith("\nn = sqrt_in_parallel([(x,) for x in [4]])\n")


def test_days_of_dagsters_are_partitions_which_a_deployment_has() -> None:
    program = (
        "from dagster import DailyPartitionsDefinition\ndays = DailyPartitionsDefinition(start_date='2024-01-01')\n"
    )
    made = rewrite(program, SOURCES.values())
    assert made.text == "from perdure.partitions import daily\ndays = daily(start='2024-01-01')\n"
    assert ["flow.deploy(name, partitions=…)" in each.reason for each in made.findings] == [True]


def test_comments_of_statements_that_fall_away_stay() -> None:
    program = "from dbos import DBOS\n\n# begin\nDBOS.launch()  # here\n"
    assert rewrite(program, SOURCES.values()).text == "\n# begin\npass  # here\n"


def findings_of(program: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.what, each.reason) for each in rewrite(dedent(program), SOURCES.values()).findings]


def test_what_a_schedule_of_dagsters_starts_is_said_with_its_line() -> None:
    program = """
        from dagster import Definitions, ScheduleDefinition, asset, define_asset_job, materialize

        @asset(name="raw_orders")
        def orders():
            return [3, 4]

        everything = define_asset_job("everything", selection="*")
        nightly = ScheduleDefinition(job=everything, cron_schedule="0 6 * * *")
        defs = Definitions(assets=[orders], jobs=[everything], schedules=[nightly])
        result = materialize([orders])
        assert result.success
        print(result.output_for_node("raw_orders"))
        """
    reason = 'Its runs are those of a deployment: `assets.serve(name="scheduled", cron="0 6 * * *")`.'
    assert findings_of(program) == [(9, "ScheduleDefinition", reason)]
    assert 'result = assets()\nprint(result["raw_orders"])\n' in rewrite(dedent(program), SOURCES.values()).text


def test_the_command_line_of_luigi_is_said_with_the_flow_that_it_starts() -> None:
    program = """
        import luigi

        class Hello(luigi.Task):
            name = luigi.Parameter()

            def run(self):
                print(self.name)

        if __name__ == "__main__":
            luigi.run()
        """
    reason = "The command line is `perdure run FILE.py:hello --param name=…`."
    assert findings_of(program) == [(11, "luigi.run", reason)]


def test_a_luigi_task_whose_output_is_there_does_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "program.py").write_text(rewrite(dedent(PROGRAMS["luigi_deps"][0]), SOURCES.values()).text)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        runpy.run_path(str(tmp_path / "program.py"), run_name="__main__")
    assert capsys.readouterr().out == "sum 3\n"


def test_an_order_that_the_calls_do_not_have_is_left_and_said() -> None:
    program = """
        from airflow import DAG
        from airflow.operators.python import PythonOperator

        def f():
            pass

        with DAG("d"):
            second = PythonOperator(task_id="second", python_callable=f)
            first = PythonOperator(task_id="first", python_callable=f)
            first >> second
        """
    reason = "Calls run in the order in which they are written: write that of 'second' below that of 'first'."
    assert findings_of(program) == [(11, "first >> second", reason)]
    assert "first >> second" in rewrite(dedent(program), SOURCES.values()).text


def test_a_queue_with_a_limit_and_operators_with_templates_are_left_to_decide() -> None:
    queue = "from dbos import Queue\nq = Queue('q', concurrency=2)\nq.enqueue(f, 1)\n"
    assert [(line, what) for line, what, _ in findings_of(queue)] == [(2, "Queue")]
    bash = """
        from airflow import DAG
        from airflow.operators.bash import BashOperator
        from airflow.operators.python import PythonOperator

        def f(ti):
            pass

        with DAG("d"):
            BashOperator(task_id="a", bash_command="echo {{ ds }}")
            PythonOperator(task_id="b", python_callable=f)
        """
    assert [what for _, what, _ in findings_of(bash)] == ["BashOperator", "PythonOperator"]


def test_options_that_ask_for_nothing_need_no_decision() -> None:
    program = "from airflow.sdk import dag\n@dag(schedule=None, start_date=BEGIN, catchup=False)\ndef f(): ...\n"
    assert rewrite(program, SOURCES.values()).findings == []


def test_what_dagsters_catalogue_says_of_an_asset_needs_no_decision() -> None:
    program = "from dagster import asset\n@asset(group_name='a', kinds={'sql'}, partitions_def=days)\ndef f(): ...\n"
    made = rewrite(program, SOURCES.values())
    assert [each.what for each in made.findings] == ["asset", "partitions_def="]
    assert "@task(persist_result=True)" in made.text
