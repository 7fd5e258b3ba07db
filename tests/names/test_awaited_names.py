"""What users of Prefect await in coroutines, and do not elsewhere."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from perdure import flow, pause_flow_run, resume_flow_run, session, suspend_flow_run, task, variables
from perdure._model.awaited import AwaitableText
from perdure.blocks.system import JSON, Secret, String
from perdure.blocks.webhook import Webhook
from perdure.context import FlowRunContext
from perdure.errors import HookError, SteeringError
from perdure.filesystems import LocalFileSystem
from perdure.flows import load_flow_from_entrypoint
from perdure.records import RunFilter
from perdure.states import StateType
from perdure.variables import Variable


@pytest.mark.parametrize(
    "block", [Secret(value=SecretStr("s")), JSON(value=[1]), String(value="tea"), LocalFileSystem(basepath="/tmp/x")]
)
def test_a_block_is_saved_and_loaded_awaited_or_not(block: Any) -> None:
    async def save_and_load() -> tuple[str, Any]:
        return await block.save("mine"), await type(block).load(name="mine")

    slug, awaited = asyncio.run(save_and_load())
    assert (slug, awaited) == (f"{block.block_type}/mine", block)
    assert type(block).load("mine") == block
    assert type(block).load(slug, _sync=True) == block
    assert block.save(slug.rpartition("/")[2], overwrite=True, _sync=True) == slug


def test_an_awaitable_text_is_the_text() -> None:
    async def awaited() -> str:
        return await AwaitableText("mine")

    assert asyncio.run(awaited()) == "mine"


def test_the_value_of_a_variable_is_awaited_in_coroutines_only() -> None:
    Variable.set("batch-size", 500)

    @flow
    async def awaits() -> tuple[int, str]:
        return await variables.get("batch-size"), await variables.get("other", default="none")

    @flow
    def calls() -> int:
        return variables.get("batch-size")  # type: ignore[no-any-return]

    assert asyncio.run(awaits()) == (500, "none")
    assert calls() == 500


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not a valid URL"),
        ("ftp://example.org", "HTTP and HTTPS"),
        ("http://127.0.0.1:9", "private address"),
        ("http://[::1]:9", "private address"),
        ("http://169.254.169.254", "private address"),
        ("http://[::ffff:10.0.0.1]/", "private address"),
        ("http://nobody.invalid", "does not resolve"),
    ],
)
def test_a_webhook_that_may_not_call_private_addresses_calls_none(url: str, reason: str) -> None:
    hook = Webhook(url=SecretStr(url), allow_private_urls=False)

    async def call() -> None:
        await hook.call({})

    with pytest.raises(HookError, match=reason):
        hook.call({})
    with pytest.raises(HookError, match=reason):
        asyncio.run(call())


def test_a_webhook_keeps_when_it_is_saved_that_it_calls_public_addresses_only() -> None:
    hook = Webhook(url=SecretStr("https://127.0.0.1/deploy"), allow_private_urls=False)
    hook.save("deploy")
    loaded = Webhook.load("deploy")
    assert (loaded, loaded.allow_private_urls) == (hook, False)
    assert Webhook(url=SecretStr("https://127.0.0.1/deploy")).allow_private_urls
    with pytest.raises(HookError, match="private address"):
        loaded.call()


@pytest.mark.parametrize("ask", [pause_flow_run, suspend_flow_run])
def test_only_a_flow_itself_can_pause_its_run(ask: Any) -> None:
    @flow
    def asks_for(other: str) -> None:
        ask(flow_run_id=other)

    for outside in (lambda: ask(flow_run_id="1"), lambda: asks_for("1")):
        with pytest.raises(SteeringError, match="cannot be paused from outside"):
            outside()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_flow_run_pauses_by_its_own_id_and_is_resumed(is_async: bool) -> None:
    @flow
    async def waits() -> int:
        run = FlowRunContext.get()
        assert run is not None

        async def resume() -> None:
            while not await asyncio.to_thread(_is_paused, run.id):
                await asyncio.sleep(0.05)
            if is_async:
                await resume_flow_run(run.id, run_input=7)
            else:
                await asyncio.to_thread(_resume, run.id)

        resuming = asyncio.create_task(resume())
        given: int = await pause_flow_run(int, run.id, timeout=60)
        await resuming
        return given

    assert asyncio.run(waits()) == 7


def _is_paused(id: str) -> bool:
    (known,) = session.current().orchestrator.flow_runs(RunFilter(ids=(id,)))
    return known.state_type is StateType.PAUSED


def _resume(id: str) -> None:
    # Outside of all runs, as another program.
    import contextvars

    contextvars.Context().run(resume_flow_run, id, 7)


PROGRAM = """
from perdure import flow

@flow
def first(): return 1

@flow(name="the-second")
def second(): return 2
"""


@pytest.mark.parametrize(
    ("entrypoint", "value"),
    [("shop_flows.py:first", 1), ("shop_flows.py:the-second", 2), ("shop_flows:second", 2), ("shop_flows.first", 1)],
)
def test_a_flow_is_loaded_from_an_entrypoint(
    entrypoint: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop_flows.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_flow_from_entrypoint(entrypoint)() == value


@pytest.mark.parametrize(("colour", "call"), [("def", "first()"), ("async def", "asyncio.run(first())")])
def test_flows_that_a_loaded_file_calls_at_its_top_are_not_run(
    colour: str, call: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "unguarded.py"
    file.write_text(
        f"import asyncio\nfrom perdure import flow\n\n@flow\n{colour} first(): RUNS.append(1)\n\nRUNS = []\n{call}\n"
    )
    with caplog.at_level("WARNING"):
        flow = load_flow_from_entrypoint(f"{file}:first")
    assert flow.fn.__globals__["RUNS"] == []
    assert "'first' was called while its program is only being loaded" in caplog.text
    again = flow()
    if colour == "async def":
        asyncio.run(again)
    assert flow.fn.__globals__["RUNS"] == [1]


@pytest.mark.parametrize(
    ("program", "entrypoint", "reason"),
    [
        ("", "missing.py:first", "no file"),
        ("", "no_such_module:first", "no module"),
        (PROGRAM, "mine.py:frist", "Did you mean 'first'"),
        (PROGRAM, "mine.py", "2 flows"),
        ("1 / 0", "mine.py:first", "ZeroDivisionError"),
        ("import no_such_module", "mine.py:first", "ModuleNotFoundError"),
    ],
)
def test_an_entrypoint_that_leads_nowhere_is_an_error(
    program: str, entrypoint: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perdure.errors import EntrypointError

    (tmp_path / "mine.py").write_text(program)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EntrypointError, match=reason):
        load_flow_from_entrypoint(entrypoint)


def test_a_variable_is_awaited_in_coroutine_runs_and_nowhere_else() -> None:
    from perdure.variables import Variable

    Variable.set("tea", "green")

    @task
    async def within() -> tuple[Any, Any, Any]:
        return await Variable.get("tea"), await Variable.get("salt", default=3), await Variable.unset("tea")

    @flow
    async def main() -> Any:
        return await within()

    @flow
    def plain() -> Any:
        return Variable.get("tea"), Variable.unset("tea")

    async def notebook() -> Any:
        return Variable.get("tea")

    assert asyncio.run(notebook()) == "green"
    assert asyncio.run(main()) == ("green", 3, True)
    assert plain() == (None, False)
