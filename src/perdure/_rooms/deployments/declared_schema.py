"""What `perdure.toml` may say, as a JSON schema: for editors, and for checking."""

from perdure._automations.definition import NamedAutomation

PERIODS = ("hourly", "daily", "weekly", "monthly")
_TEXT = {"type": "string", "minLength": 1}
_SECONDS = {"type": "number", "minimum": 0}
_OBJECT = {"type": "object"}


def _texts(what: str) -> dict[str, object]:
    return {"type": "array", "items": _TEXT, "description": what}


_SCHEDULE: dict[str, object] = {
    "type": "object",
    "description": "When the deployment runs: one of cron, interval and rrule, and options.",
    "additionalProperties": False,
    "oneOf": [{"required": ["cron"]}, {"required": ["interval"]}, {"required": ["rrule"]}],
    "properties": {
        "cron": {**_TEXT, "description": "A cron expression, such as '0 6 * * 1-5'."},
        "interval": {"type": "number", "minimum": 1, "description": "Seconds."},
        "rrule": {**_TEXT, "description": "A recurrence rule of RFC 5545, such as 'FREQ=MONTHLY;BYDAY=-1FR'."},
        "timezone": {**_TEXT, "description": "Such as 'Europe/Oslo'; UTC by default."},
        "day_or": {"type": "boolean", "description": "Of cron: a day of the month or of the week, or (false) both."},
        "anchor": {**_TEXT, "description": "A time that an interval is in step with."},
        "slug": {**_TEXT, "description": "The schedule's name within its deployment."},
        "parameters": {**_OBJECT, "description": "Over those of the deployment."},
        "jitter": {**_SECONDS, "description": "Seconds by which each run is later at most."},
        "catchup": {"enum": ["latest", "all", "none"], "description": "Of missed ticks, which are run."},
        "catchup_window": {**_SECONDS, "description": "Seconds: how old a missed tick may be."},
        "start": {**_TEXT, "description": "No tick is earlier than this time."},
        "end": {**_TEXT, "description": "No tick is later than this time."},
        "exclude": _texts("Days without ticks, such as 2026-12-25."),
        "active": {"type": "boolean", "description": "Whether it makes runs, when it is new."},
    },
}

_DEPLOYMENT: dict[str, object] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "entrypoint"],
    "properties": {
        "name": {"type": "string", "pattern": "^[^/]{1,200}$", "description": "With the flow's: 'flow/name'."},
        "entrypoint": {**_TEXT, "description": "'flows.py:report' from here, or 'package.module:report'."},
        "source": {
            "description": "Where the code is, if it is not here: a folder, or a repository's URL. 'bundle': the code"
            " here is kept in a storage, for workers that do not have it.",
            "oneOf": [
                _TEXT,
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["bundle"],
                    "properties": {
                        "bundle": {**_TEXT, "description": "The folder, from here."},
                        "exclude": _texts("Patterns of names and paths that are left out."),
                        "storage": {**_TEXT, "description": "A storage's slug or address; that of results by default."},
                    },
                },
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["url"],
                    "properties": {"url": _TEXT, "branch": _TEXT, "tag": _TEXT, "commit": _TEXT},
                },
            ],
        },
        "schedules": {
            "type": "array",
            "items": _SCHEDULE,
            "description": "Without it, those that the deployment has stay; [] removes them.",
        },
        "partitions": {
            "type": "object",
            "description": "What its runs are about: slices of time, keys, or every pair of both.",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {
                **{name: {**_TEXT, "description": "The first time."} for name in PERIODS},
                "timezone": _TEXT,
                "static": {**_texts("Keys."), "minItems": 1},
            },
        },
        "parameters": {**_OBJECT, "description": "What its runs are given."},
        "description": {"type": "string"},
        "tags": _texts("Of its runs."),
        "version": {**_TEXT, "description": "Shown as the flow's version."},
        "work_pool": {**_TEXT, "description": "Where its runs wait for workers."},
        "work_queue": {**_TEXT, "description": "A named limit within the pool."},
        "concurrency_limit": {"type": "integer", "minimum": 1, "description": "How many of its runs run at once."},
        "overlap": {"enum": ["queue", "skip", "queue_one", "cancel_running"]},
        "priority": {"type": "integer", "minimum": 0, "description": "Lower ones begin first; 100 by default."},
        "paused": {"type": "boolean", "description": "Whether it begins paused, if it is new."},
        "job_variables": {**_OBJECT, "description": "What workers start, such as {env = {A = '1'}}."},
    },
}

_AUTOMATION = NamedAutomation.model_json_schema(ref_template="#/$defs/{model}")
_PARTS = _AUTOMATION.pop("$defs")

SCHEMA: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "perdure.toml",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "deployments": {"type": "array", "items": _DEPLOYMENT},
        "automations": {"type": "array", "items": _AUTOMATION},
    },
    "$defs": _PARTS,
}
