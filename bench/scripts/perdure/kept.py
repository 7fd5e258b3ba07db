"""`kept.py keep` keeps a value, `kept.py` reads it: what a process takes that only looks at a result."""

import sys


def keep() -> None:
    from perdure import task

    @task(persist_result=True, task_run_name="kept")
    def value() -> dict[str, int]:
        return {"i": 1}

    value()


if __name__ == "__main__":
    if sys.argv[1:] == ["keep"]:
        keep()
    else:
        from perdure.results import get_result

        print(get_result("kept"))
