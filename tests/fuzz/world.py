"""What exists in the registry before the first generated request, so that there is something to name."""

import json
import sys
import urllib.error
import urllib.request

import clients

APPLICATIONS = 10
LATER = "2099-01-01T00:00:00Z"
# A token that nobody was ever given.
NOBODYS = "ks_at_000000000000000000000000000000000"


def make(url, token):
    """Makes applications, credentials, groups and tokens. Gives the tokens to call with, and what requests may name."""

    def call(method, path, body=None, token=token):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "X-API-KEY": token, "Content-Type": "application/json"}
        request = urllib.request.Request(url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            sys.exit(f"{method} {path} {body}: {refused.read().decode()}")
        return json.loads(text) if text else None

    call("POST", "/v1/gateway-groups", {"name": "edge", "mode": "on_demand"})
    gateway = call("POST", "/v1/gateway-groups/default/tokens", {})
    reporter = call("POST", "/v1/tokens", {"role": "leak_reporter"})
    own = call("GET", "/v1/tokens")["items"]
    known = {
        "application": [],
        # The first one is the example of the description.
        "consumer": ["jack", *(f"consumer-{number}" for number in range(APPLICATIONS))],
        "consumer_credential": ["a", "b", "c", "d"],
        "application_name": [f"app-{number}" for number in range(APPLICATIONS)],
        "credential": [],
        "epoch": ["0" * 32],
        "group": ["default", "edge"],
        "later": LATER,
        "instance": ["1" * 32, "2" * 32],
        "protected": [one["id"] for one in own] + [gateway["id"]],
        "revision": ["1", "2", "3"],
        "rotated": [],
        "shown": [],
        "with_default": [],
        "scope": ["read", "write"],
        "token": [],
        "username": [f"user-{number}" for number in range(APPLICATIONS)],
        "value": [],
    }
    for number in range(APPLICATIONS):
        default_key = "required" if number % 2 else "none"
        application = {"name": f"app-{number}", "scopes": ["read", "write"], "default_key": default_key}
        application = call("POST", "/v1/applications", application)["id"]
        known["application"].append(application)
        if number % 2:
            known["with_default"].append(application)
        for kind in (
            {"type": "api_key", "name": "key", "scopes": ["read"]},
            {"type": "api_key", "name": "pair", "shared_secret": True},
            {"type": "api_key", "name": "shown", "secret_type": "retrievable"},
            {"type": "basic", "name": "login", "username": f"user-{number}", "password": "a password that was chosen"},
            {"type": "bearer_token", "name": "token", "expires_at": LATER, "labels": {"team": "a"}},
        ):
            made = call("POST", f"/v1/applications/{application}/credentials", kind)
            known["credential"].append(made["id"])
            if kind["name"] == "shown":
                known["shown"].append(made["id"])
            if kind["name"] in ("key", "shown"):
                known.setdefault(f"credential of {application}", []).append(made["id"])
            if kind["type"] != "basic":
                known["value"].append(made["secret"]["value"])
    for consumer in known["consumer"]:
        path = "/apisix/admin/consumers"
        call("PUT", path, {"username": consumer})
        for credential in known["consumer_credential"]:
            key = {"key-auth": {"key": f"the-key-of-credential-{credential}-of-{consumer}"}}
            call("PUT", f"{path}/{consumer}/credentials/{credential}", {"plugins": key})
    known["rotated"] = known["credential"][::3]
    for credential in known["rotated"]:
        call("POST", f"/v1/credentials/{credential}/rotate", {"grace_period": 3600})
    call("PUT", f"/v1/credentials/{known['credential'][1]}/deployments/edge")
    for instance in known["instance"]:
        report = {"instance": instance, "sequence": 1, "epoch": "0" * 32, "revision": 1, "complete": True, "workers": 1}
        call("POST", "/v1/gateway/report", report, gateway["token"])
    clients.make(call, url, known)
    known["token"] = [call("POST", "/v1/tokens", {"role": "leak_reporter"})["id"]]
    tokens = {"portal_admin": token, "gateway": gateway["token"], "leak_reporter": reporter["token"], "nobody": NOBODYS}
    return {"tokens": tokens, "known": known}
