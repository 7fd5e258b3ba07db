"""Base job templates of work pools: their variables, and what comes of them."""

import json

import pytest

from perdure._rooms.deployments.job_templates import KINDS, check_template, default_template, job_of, template_of
from perdure._rooms.deployments.port import WorkPool
from perdure.errors import DeploymentError


def pool(kind: str, template: object = None) -> WorkPool:
    return WorkPool("p", kind, None, None, json.dumps(template or {}), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_template_of_each_kind_is_one(kind: str) -> None:
    check_template(kind, default_template(kind))
    least = dict.fromkeys(KINDS[kind][1], "x")
    made = job_of(pool(kind), {**least, "env": {"A": 1}})
    assert {**least, "env": {"A": 1}}.items() <= made.items()


def test_what_a_deployment_chooses_goes_before_the_defaults_and_joins_them_in_objects() -> None:
    made = job_of(pool("docker", {"image": "a:1", "env": {"A": "1", "B": "1"}}), {"env": {"B": "2"}})
    assert (made["image"], made["env"]) == ("a:1", {"A": "1", "B": "2"})


SIZED = {
    "job_configuration": {
        "image": "registry/{{ team }}:1",
        "mem_limit": "{{ size }}",
        "cpus": "{{ cpus }}",
        "volumes": ["/data:/data", "{{ more }}"],
    },
    "variables": {
        "type": "object",
        "properties": {
            "team": {"type": "string"},
            "size": {"enum": ["1g", "8g"], "default": "1g"},
            "cpus": {"type": "number"},
            "more": {"type": "string"},
        },
        "required": ["team"],
    },
}


def test_a_template_of_ones_own_lets_choose_what_its_variables_are() -> None:
    check_template("docker", SIZED)
    assert job_of(pool("docker", SIZED), {"team": "sales"}) == {
        "image": "registry/sales:1",
        "mem_limit": "1g",
        "volumes": ["/data:/data"],
    }
    assert job_of(pool("docker", SIZED), {"team": "sales", "cpus": 2})["cpus"] == 2


@pytest.mark.parametrize(
    ("template", "given", "says"),
    [
        (SIZED, {}, "'team' is a required property"),
        (SIZED, {"team": "a", "size": "9g"}, "size: '9g' is not one of"),
        (SIZED, {"team": "a", "image": "x"}, r"no job variable 'image'.*It takes: team, size, cpus, more"),
        ({}, {"imag": "x"}, r"no job variable 'imag' in the work pool 'p' of type 'docker'.*image"),
        ({}, {}, "'image' is a required property"),
        ({}, {"image": "x", "cpus": "many"}, "cpus: 'many' is not of type 'number'"),
        ({"job_configuration": {"image": "a-{{ b }}"}, "variables": {"properties": {"b": {}}}}, {}, "variable 'b'"),
        ({"job_configuration": {"image": 3}, "variables": {}}, {}, "image: 3 is not of type 'string'"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(template: object, given: dict[str, object], says: str) -> None:
    with pytest.raises(DeploymentError, match=says):
        job_of(pool("docker", template), given)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ([], "JSON object"),
        ({"job": {}}, "perdure work-pool template --type docker"),
        ({"variables": {"type": "no such type"}, "job_configuration": {}}, "no JSON schema"),
        ({"job_configuration": {"imag": "x"}, "variables": {}}, r"'imag'.*image"),
        ({"job_configuration": {"image": "{{ siez }}"}, "variables": {"properties": {"size": {}}}}, r"siez.*'size'"),
        ({"job_configuration": "x", "variables": {}}, "JSON object"),
    ],
)
def test_a_template_that_makes_no_jobs_is_refused_with_the_reason(template: object, says: str) -> None:
    with pytest.raises(DeploymentError, match=says):
        check_template("docker", template)


def test_a_pool_of_a_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(DeploymentError, match=r"'dokcer'.*docker"):
        template_of(pool("dokcer"))
