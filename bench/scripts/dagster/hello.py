"""One job, one op."""

from dagster import OpExecutionContext, job, op


@op
def say(context: OpExecutionContext) -> None:
    context.log.info("hello world")


@job
def hello() -> None:
    say()


if __name__ == "__main__":
    print(hello.execute_in_process().success)
