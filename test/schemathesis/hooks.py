"""What the run against a real server needs besides the document.

Commands that a generator makes up are never run: they are replaced by `true`. And a schema cannot say everything
that is checked: what depends on what else is there, and how two values of one request relate. Refusals of that kind
are listed here, each with its reason; any other refusal of a request that fits the schema is a failure.
"""

import json
import os
import re
import zlib

import schemathesis

KNOWN = json.loads(os.environ.get("KNOWN", '{"names": [], "ids": []}'))

STATE = {
    "UNKNOWN_PARENT": "which jobs there are",
    "DEPENDENCY_CYCLE": "how jobs depend on each other",
    "ENGINE_NOT_CONFIGURED": "which engines the server has",
    "UNSUPPORTED_BY_ENGINE": "what the engine of the job can do",
    "SCHEDULE_NEVER_FIRES": "which months have which days",
    "LIMIT_EXCEEDED": "how long a text is in bytes, and how large the whole",
}

# Parts of the message, with code INVALID_FIELD or INVALID_SCHEDULE.
RELATIONS = {
    "is not a cursor of this list": "cursors come from the server",
    "is later than to": "from and to",
    "is longer than 400 days": "from and to",
    "steps between from and to": "from, to and step",
    "is not after the start": "the start and the end of a repeat",
    "whose range is not within": "the two ends of H(a-b)",
    "is shorter than policy.retries.delay": "the first and the longest delay",
    "is in both env and secrets": "names of two maps",
    "(the soft limit) or more": "the two bounds of a ulimit",
    "capabilities that are not in add": "capabilities in two lists",
    "is not configured on this installation": "pools of the server",
    "cannot be used here": "prestage and warmStart need a schedule and an engine for images",
    "ports require a network": "ports and the network",
    "after is a position in attempt": "attempt and after",
    "another folder": "mounts in three places",
    "a path that no other secret uses": "mounts of several secrets",
    "is not a valid name of an environment variable": "names with dots and dashes, and an image",
    "bytes long": "bytes of a text",
    "of a job of": "bytes of the whole job",
    "The name in the body is": "the name in the path and in the body",
    "label limits what prune deletes": "label and prune",
    "so prune would delete every job": "prune, allowEmpty and the jobs in the body",
    "Allowed: name=value": "label and prune",
    "at most P1D": "the longest prestage",
    "at most PT10M": "the longest warmStart",
    "is later than the year 9999": "an instant and its offset",
    "nested more than": "depth",
}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    name = type(failure).__name__
    # Refused for its size, which the tool does not count among refusals.
    if name == "AcceptedNegativeData":
        return response.status_code != 413
    if name != "RejectedPositiveData":
        return True
    try:
        problem = json.loads(response.content)
    except ValueError:
        return True
    # What is kept for Chronos may be any JSON, and is checked text by text.
    if problem.get("code") in STATE or str(problem.get("field")).split(".")[0] == "chronos":
        return False
    return not any(words in problem.get("detail", "") for words in RELATIONS)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Half of the names and ids that are well formed become those of something that is there."""
    for key, known in (("name", KNOWN["names"]), ("id", KNOWN["ids"])):
        value = (path_parameters or {}).get(key)
        if known and isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", value):
            place = zlib.crc32(value.encode())
            if value not in (".", "..") and place % 2:
                path_parameters[key] = known[place // 2 % len(known)]
    return path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    disarm(case.body)


def disarm(value):
    """Replaces every program in the jobs of a body, whatever else is wrong with it."""
    if isinstance(value, list):
        for each in value:
            disarm(each)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key == "command" and isinstance(inner, str) and inner.isprintable() and 0 < len(inner) <= 65_536:
            value[key] = "true"
        elif key in ("argv", "entrypoint") and isinstance(inner, list) and inner and isinstance(inner[0], str):
            inner[0] = "true" if inner[0].isprintable() and len(inner[0]) <= 65_536 else inner[0]
        else:
            disarm(inner)
