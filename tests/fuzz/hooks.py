"""What schemathesis is told about this API beyond its description: which ids exist, and what would end the run.

A request that was generated keeps its form; only the value that a path names is exchanged, three times of four, for one
that exists. Otherwise nearly every answer would be 404.
"""

import atexit
import collections
import json
import os
import pathlib
import re
import zlib

import clients
import schemathesis

KNOWN = json.loads(os.environ["FUZZ_WORLD"])
# As many of each kind as are remembered from answers; old ones are forgotten first.
REMEMBERED = 200
IDS = {"app_": "application", "cred_": "credential", "rtk_": "registration_token", "tok_": "token"}
# Fields of bodies that name what exists.
FIELDS = {
    "application": "application_name",
    "credential": "credential",
    "epoch": "epoch",
    "gateway_groups": "group",
    "instance": "instance",
    "issuer": "issuer",
    "issuers": "issuer",
    "organization": "organization",
    "scopes": "scope",
    "username": "username",
    "value": "value",
}
LONGEST_WAIT = "wait=1"
ANSWERS = {}


# Operations that only some of a kind can do with.
ONLY_SOME = {
    "cancel": "rotated",
    "default-credential": "with_default",
    "finish": "rotated",
    "reveal": "shown",
    "revoke-tokens": "client_credential",
}


def kind_of(path, variable):
    """What a variable part of a path names."""
    if path.rsplit("/", 1)[-1] in ONLY_SOME:
        return ONLY_SOME[path.rsplit("/", 1)[-1]]
    before = path.split("{" + variable + "}")[0].rstrip("/").rsplit("/", 1)[-1]
    if path.startswith("/apisix/"):
        return {"consumers": "consumer", "credentials": "consumer_credential"}.get(before)
    kinds = {
        "applications": "application",
        "credentials": "credential",
        "registration-tokens": "registration_token",
        "tokens": "token",
        "gateway-groups": "group",
        "deployments": "group",
        "gateways": "instance",
        "organizations": "organization",
        "changes": "revision",
    }
    return kinds.get(before)


def choose(kind, text):
    """One that exists, always the same for the same text while no other came."""
    known = KNOWN.get(kind)
    number = zlib.crc32(text.encode("utf-8", "replace"))
    if not known or text in known or number % 4 == 0:
        return None
    return known[number // 4 % len(known)]


def exchange(name, value):
    """The value of a field, or three times of four one that names what exists."""
    if isinstance(value, str) and value and name in FIELDS:
        return choose(FIELDS[name], value) or value
    if isinstance(value, list) and name in FIELDS and all(isinstance(one, str) for one in value):
        return sorted({choose(FIELDS[name], one) or one for one in value})
    return value


def keep_what_fits(body):
    """Of a new credential, three times of four, only the fields that its type may have: each excludes most others."""
    number = zlib.crc32(repr(body).encode("utf-8", "replace")) % 4
    if number == 0:
        return
    kind = str(body.get("type"))
    fitting = {"basic": {"username", "password"}, "api_key": {"value", "shared_secret"}}
    others = set().union(*fitting.values(), {"expires_at", "not_before", "rotate_every"}) - fitting.get(kind, set())
    # Once of four the least that will do.
    for name in set(body) - {"type", "name", "scopes", "shared_secret"} if number == 1 else others:
        body.pop(name, None)
    if kind == "bearer_token":
        body["expires_at"] = KNOWN["later"]
    if kind == "basic" and "username" not in body:
        body["username"] = f"user-{zlib.crc32(str(body.get('name')).encode('utf-8', 'replace'))}"


def keep_one_plugin(body, has_id):
    """Of a consumer's credential, three times of four, what APISIX's clients send: one plugin with a key of its own."""
    number = zlib.crc32(repr(body).encode("utf-8", "replace"))
    if number % 4 == 0:
        return
    for name in set(body) - {"desc"}:
        body.pop(name)
    body["plugins"] = {"key-auth": {"key": f"the-key-with-number-{number:010}"}}
    if not has_id:
        body["id"] = "a"


@schemathesis.serializer("application/x-ndjson")
def write_lines(context, value):
    """One object a line: what was generated is one of them, and comes twice."""
    line = json.dumps(value)
    return f"{line}\n{line}\n".encode("utf-8", "replace")


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context, response):
    """The description is that of a line."""
    lines = response.content.splitlines()
    return json.loads(lines[0]) if lines else None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Names what exists, and keeps the run from ending itself."""
    parameters = case.path_parameters or {}
    for name, value in list(parameters.items()):
        text = str(value)
        # An id that a link brought stays, but where few would do.
        is_linked = any(text.startswith(prefix) for prefix in IDS) and not case.path.startswith("/apisix/")
        if not is_linked or case.path.rsplit("/", 1)[-1] in ONLY_SOME:
            text = choose(kind_of(case.path, name), text) or text
        # Without these tokens every later answer would be 401.
        if case.method == "DELETE" and text in KNOWN["protected"]:
            text = text[:4] + "0" * 26
        if text != str(value):
            parameters[name] = text
    # Hardly any would match.
    for name in ("If-Match", "Keysmith-Organization"):
        if name in case.headers and zlib.crc32(repr(case.headers[name]).encode("utf-8", "replace")) % 4:
            del case.headers[name]
    if case.query and "gateway_group_id" in case.query:
        group = str(case.query["gateway_group_id"])
        case.query["gateway_group_id"] = choose("group", group) or group
        # Where it is everywhere, it is not deleted in one group alone.
        if case.method == "DELETE" and len(group) % 4 != 1:
            del case.query["gateway_group_id"]
    if isinstance(case.body, dict) and case.path.startswith("/apisix/") and "/credentials" in case.path:
        keep_one_plugin(case.body, has_id="id" in parameters)
    elif isinstance(case.body, dict):
        is_new = case.operation.label == "POST /v1/applications/{id}/credentials"
        if is_new:
            keep_what_fits(case.body)
        of_application = f"credential of {parameters.get('id')}"
        if case.path.endswith("/default-credential") and of_application in KNOWN and "credential" in case.body:
            case.body["credential"] = choose(of_application, str(case.body)) or case.body["credential"]
        for name, value in list(case.body.items()):
            # What is new must not be somebody else's.
            if not is_new or name == "scopes":
                case.body[name] = exchange(name, value)
    if case.path == "/v1/registration-tokens" and isinstance(case.body, dict) and "application" in case.body:
        case.body["application"] = choose("application", str(case.body)) or case.body["application"]
        if clients.is_good(case):
            case.body.pop("expires_at", None)
    clients.prepare(case, KNOWN)
    # Nobody follows here, so that every wait would last as long as it may.
    prefer = case.headers.get("Prefer")
    if prefer and re.search(r"wait", str(prefer), re.IGNORECASE):
        case.headers["Prefer"] = LONGEST_WAIT
    if case.path == "/v1/feed" and case.query and str(case.query.get("wait", "")).isdigit():
        case.query["wait"] = min(int(case.query["wait"]), 1)


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what came into being, to name it later."""
    text = response.content[:20_000].decode("utf-8", "replace")
    for prefix, kind in IDS.items():
        for found in re.findall(rf'"({prefix}[0-9a-z]{{26}})"', text):
            known = KNOWN[kind]
            if found not in known and found not in KNOWN["protected"]:
                known.append(found)
                del known[:-REMEMBERED]
    clients.remember(case, response.status_code, text, KNOWN)
    if case.method == "POST" and case.path == "/v1/gateway-groups" and response.status_code == 201:
        KNOWN["group"].append(json.loads(text)["name"])
    if case.method.upper() == case.operation.method.upper():
        ANSWERS.setdefault(case.operation.label, collections.Counter())[str(response.status_code)] += 1


@atexit.register
def write_answers():
    """For the one who started this: which statuses each operation has answered, and how often."""
    pathlib.Path(os.environ["FUZZ_ANSWERS"]).write_text(json.dumps(ANSWERS), encoding="utf-8")
