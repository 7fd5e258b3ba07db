"""Names of flows: a flow that is given none is called as its function is, with dashes for underscores.

Earlier versions called it as the function, so that its runs and deployments may have either name: `my_flow`, `my-flow`.
Who looks for one of the two names finds what has either. Idempotency keys stay under the function's name.
"""


def default_name(function_name: str) -> str:
    """The name of a flow that was given none."""
    return function_name.replace("_", "-")


def spellings(name: str) -> tuple[str, ...]:
    """The name, and the other one that the same flow may have in earlier or later versions, if there is one."""
    dashed, underscored = default_name(name), name.replace("-", "_")
    other = dashed if name == underscored else underscored
    # Only names that functions may have, and those made of these: "a_b-c" is nobody's other name.
    has_other = other != name and name in (dashed, underscored) and underscored.isidentifier()
    return (name, other) if has_other else (name,)


def deployment_spellings(flow_name: str, name: str) -> list[tuple[str, str]]:
    """The names of a flow and of a deployment of it, and the others that the deployment may have in other versions.

    A deployment that was given no name has its flow's.
    """
    found = [(each, each if name == flow_name else name) for each in spellings(flow_name)]
    return list(dict.fromkeys([*found, *((each, name) for each, _ in found)]))


def is_same_flow(one: str, other: str | None) -> bool:
    """Whether two names may be those of one flow."""
    return other in spellings(one)
