"""A bridge of the dialect `api7`, to begin your own with. Python 3, without libraries.

    BRIDGE_KEY=$(openssl rand -hex 24) python3 registry/examples/bridge.py 9500

The four methods of `Clients` are what your provider does. Here they keep clients in memory, so that the bridge runs by itself.
"""
import hmac, json, os, secrets, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class Clients:
    def __init__(self):
        self.known = {}

    def create(self, metadata):
        client_id = "client-" + secrets.token_hex(8)
        self.known[client_id] = metadata
        return {**metadata, "client_id": client_id, "client_secret": secrets.token_urlsafe(32), "client_secret_expires_at": 0}

    def replace(self, client_id, metadata):
        self.known[client_id] = metadata
        return {**metadata, "client_id": client_id}

    def new_secret(self, client_id):
        return {"client_id": client_id, "client_secret": secrets.token_urlsafe(32)}

    def remove(self, client_id):
        del self.known[client_id]


class Refused(Exception):
    def __init__(self, status, error, description):
        self.status, self.body = status, {"error": error, "error_description": description}


class Bridge(BaseHTTPRequestHandler):
    def answer(self):
        try:
            self.reply(*self.decide())
        except Refused as refused:
            self.reply(refused.status, refused.body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def decide(self):
        key = self.headers.get("X-API-KEY", "")
        if not hmac.compare_digest(key.encode(), os.environ["BRIDGE_KEY"].encode()):
            raise Refused(401, "unauthorized", "X-API-KEY is missing or wrong")
        match [self.command, *(unquote(part) for part in urlsplit(self.path).path.strip("/").split("/"))]:
            case ["GET", "clients"]:
                return 200, [{**metadata, "client_id": client_id} for client_id, metadata in clients.known.items()]
            case ["POST", "clients"]:
                return 201, clients.create(self.metadata())
            case ["PUT", "clients", client_id] if client_id in clients.known:
                return 200, clients.replace(client_id, self.metadata())
            case ["POST", "clients", client_id, "rotate-secret"] if client_id in clients.known:
                return 200, clients.new_secret(client_id)
            case ["DELETE", "clients", client_id] if client_id in clients.known:
                return 204, clients.remove(client_id)
        raise Refused(404, "not_found", "there is no such client")

    def metadata(self):
        try:
            metadata = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65536)))
        except ValueError:
            raise Refused(400, "invalid_client_metadata", "not JSON")
        if not isinstance(metadata, dict) or any(not isinstance(metadata.get(name, []), list) for name in ("redirect_uris", "grant_types")):
            raise Refused(400, "invalid_client_metadata", "redirect_uris and grant_types are lists")
        return metadata

    def reply(self, status, body):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Cache-Control": "no-store", "Content-Length": len(data)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)


clients = Clients()
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Bridge)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
