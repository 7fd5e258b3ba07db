"""What is wrong in a definition is said at the definition."""

from typing import Any

import pytest

from perdure import flow, settings, task
from perdure.errors import DefinitionError, SettingError, UnknownSerializer

BOTH = pytest.mark.parametrize("decorate", [flow, task])


@BOTH
@pytest.mark.parametrize("thing", [3, "extract", {"a": 1}, property(len)])
def test_what_cannot_be_called_cannot_be_decorated(decorate: Any, thing: Any, assert_clear: Any) -> None:
    with pytest.raises(TypeError) as caught:
        decorate(name="named")(thing)
    assert_clear(caught.value, value=repr(thing), rule="cannot be called", mend="Give it a function")


@BOTH
def test_a_class_cannot_be_decorated(decorate: Any, assert_clear: Any) -> None:
    with pytest.raises(TypeError) as caught:
        decorate(Exception)
    assert_clear(caught.value, value="Exception", rule="decorates functions", mend="Decorate its methods instead")


@BOTH
def test_an_unknown_option_is_named_with_the_nearest(decorate: Any, assert_clear: Any) -> None:
    with pytest.raises(TypeError) as caught:
        decorate(retires=3)(print)
    assert_clear(caught.value, value="'retires'", rule="takes no option", mend="Did you mean 'retries'?")


@BOTH
@pytest.mark.parametrize("name", ["jsno", "compressed/jsno"])
def test_an_unknown_serializer_is_named_with_the_nearest(decorate: Any, name: Any, assert_clear: Any) -> None:
    with pytest.raises(UnknownSerializer) as caught:
        decorate(result_serializer=name)(print)
    assert_clear(caught.value, value="'jsno'", rule="Known: ", mend="Did you mean 'json'?")


@BOTH
def test_what_is_no_serializer_is_refused(decorate: Any, assert_clear: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        decorate(result_serializer=3)(print)
    assert_clear(caught.value, value="result_serializer=3", rule="must be a name", mend="JSONSerializer()")


@BOTH
@pytest.mark.parametrize("storage", ["dev", "a/b/c"])
def test_what_is_no_slug_is_refused(decorate: Any, storage: Any, assert_clear: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        decorate(result_storage=storage)(print)
    assert_clear(
        caught.value, value=repr(storage), rule="it is a type and a name", mend="such as 'local-file-system/dev'"
    )


def test_a_key_template_that_names_a_missing_parameter_is_refused(assert_clear: Any) -> None:
    with pytest.raises(DefinitionError) as caught:

        @task(result_storage_key="{parameters[nmae]}.json")
        def greet(name: str) -> str:
            return name

    assert_clear(caught.value, value="'nmae'", rule="which the function does not have", mend="Did you mean 'name'?")


def test_a_key_template_that_names_no_run_is_refused(assert_clear: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        task(result_storage_key="{flowrun.name}")(print)
    assert_clear(caught.value, value="'flowrun'", rule="it may use flow_run, ", mend="Did you mean 'flow_run'?")


@pytest.mark.parametrize("root", ["flow_run", "task_run", "deployment"])
def test_a_template_that_names_the_whole_of_a_run_is_refused(assert_clear: Any, root: str) -> None:
    for option in ("result_storage_key", "task_run_name"):
        with pytest.raises(DefinitionError) as caught:
            task(**{option: f"reports/{{{root}}}"})(lambda: 1)  # type: ignore[call-overload]
        assert_clear(caught.value, value=f"'{root}'", rule="is no text", mend=f"Name a part: {{{root}.name}}")


def test_a_parameter_named_as_a_run_is_goes_into_run_names() -> None:
    named = task(task_run_name="for {deployment}")(lambda deployment: deployment)
    assert named("nightly") == "nightly"


def test_a_malformed_key_template_is_refused(assert_clear: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        task(result_storage_key="{parameters[name")(print)
    assert_clear(caught.value, value="'{parameters[name'", rule="is not a template", mend="Write fields as {")


def test_a_wrong_setting_is_named_with_its_rule(monkeypatch: Any, assert_clear: Any) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_PERSIST_BY_DEFAULT", "maybe")
    with pytest.raises(SettingError) as caught:
        settings.reload()
    assert_clear(caught.value, value="'maybe' (from the environment)", rule="must be one of true", mend="or unset it")


def test_an_unknown_setting_is_warned_of_with_the_nearest(monkeypatch: Any) -> None:
    monkeypatch.setenv("PERDURE_LOGGING_LEVLE", "INFO")
    with pytest.warns(
        UserWarning, match=r"PERDURE_LOGGING_LEVLE is no setting.* Did you mean 'PERDURE_LOGGING_LEVEL'\?"
    ):
        settings.reload()


def test_a_home_that_is_a_file_is_named(monkeypatch: Any, a_file: Any, assert_clear: Any) -> None:
    monkeypatch.setenv("PERDURE_HOME", str(a_file))
    with pytest.raises(SettingError) as caught:
        settings.reload()
    assert_clear(caught.value, value=str(a_file), rule="is a file", mend="set PERDURE_HOME to a directory")
