"""OAuth clients as generated requests need them: they prove themselves by what no generator guesses.

Changed are requests alone that are to be good, three times of four; bad ones stay as bad as they are.
"""

import base64
import json
import urllib.parse
import zlib

# The generator's own are rarely any that the server knows.
METHODS = ["client_secret_basic", "client_secret_post"]
# As many of each kind as are remembered.
REMEMBERED = 50


def make(call, url, known):
    """Makes registration tokens and clients, and remembers them."""
    known |= {"access_token": [], "client": [], "issuer": [url], "registrar": [], "registration_token": []}
    for application in known["application"]:
        asked = {"application": application, "clients": 1000}
        registrar = call("POST", "/v1/registration-tokens", asked)
        known["registrar"].append(registrar["token"])
        known["protected"].append(registrar["id"])
        known["registration_token"].append(call("POST", "/v1/registration-tokens", asked)["id"])
        for method in METHODS:
            metadata = {"client_name": "fuzzed", "token_endpoint_auth_method": method}
            made = call("POST", "/oauth2/register", metadata, registrar["token"])
            known["client"].append(remembered(made))
        credential = {"type": "oauth_client", "name": "client"}
        made = call("POST", f"/v1/applications/{application}/credentials", credential)
        known.setdefault("client_credential", []).append(made["id"])


def remembered(client):
    """What is kept of a client that was registered."""
    return {
        "id": client["client_id"],
        "secret": client.get("client_secret"),
        "method": client["token_endpoint_auth_method"],
        "manager": client["registration_access_token"],
    }


def prepare(case, known):
    """Lets a request to `/oauth2` come from a client that exists."""
    number = zlib.crc32(repr((case.path, case.body)).encode("utf-8", "replace"))
    if not case.path.startswith("/oauth2/") or not is_good(case) or number % 4 == 0:
        return
    number //= 4
    if case.path == "/oauth2/register":
        case.headers["Authorization"] = f"Bearer {pick(known['registrar'], number)}"
        case.body = metadata(case.body, number)
        return
    client = pick(known["client"], number)
    if client is None:
        return
    if case.path.startswith("/oauth2/register/"):
        case.path_parameters["client_id"] = client["id"]
        case.headers["Authorization"] = f"Bearer {client['manager']}"
        if case.method.upper() == "PUT":
            case.body = metadata(case.body, number) | {"client_id": client["id"]}
            case.body["token_endpoint_auth_method"] = client["method"]
        return
    body = {"grant_type": "client_credentials"}
    if case.path != "/oauth2/token":
        token = case.body.get("token", "none") if isinstance(case.body, dict) else "none"
        body = {"token": pick(known["access_token"], number) or token}
    if client["method"] == "client_secret_basic":
        pair = f"{client['id']}:{urllib.parse.quote(client['secret'], safe='')}"
        case.headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        body |= {"client_id": client["id"], "client_secret": client["secret"]}
    case.body = body


def remember(case, status, text, known):
    """Remembers what came into being, and forgets what is gone."""
    method = case.method.upper()
    if case.path == "/oauth2/token" and status == 200:
        known["access_token"].append(json.loads(text)["access_token"])
        del known["access_token"][:-REMEMBERED]
    elif case.path == "/oauth2/register" and status == 201:
        client = remembered(json.loads(text))
        if client["secret"] is not None:
            known["client"].append(client)
            del known["client"][:-REMEMBERED]
    elif case.path.startswith("/oauth2/register/") and status in (200, 204):
        named = case.path_parameters["client_id"]
        found = next((client for client in known["client"] if client["id"] == named), None)
        if found and method == "DELETE":
            known["client"].remove(found)
        elif found:
            found["manager"] = json.loads(text)["registration_access_token"]


def is_good(case):
    """Whether the request is to be as the description says."""
    return case.meta is None or case.meta.generation.mode.is_positive


def pick(known, number):
    """One of them."""
    return known[number % len(known)] if known else None


def metadata(body, number):
    """What a client may say of itself: of what was generated the name, which may be anything."""
    kept = {"token_endpoint_auth_method": METHODS[number % 2], "grant_types": ["client_credentials"]}
    if isinstance(body, dict) and "client_name" in body:
        kept["client_name"] = body["client_name"]
    return kept
