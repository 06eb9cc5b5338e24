"""Runs schemathesis against a real registry: generated requests, each answer held against openapi.json.

Started by `make fuzz-api`. The registry is one of its own, on the loopback, with a temporary data folder.
"""

import argparse
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import world

HERE = pathlib.Path(__file__).resolve().parent
# Who calls, with which part of the time, and what: the administrator everything that is for people, gateways what is for
# them, and both those who may do little and those who may do nothing a little of everything.
EVERYTHING_A_LITTLE = ["--phases", "fuzzing,stateful", "--max-examples", "2"]
CALLERS = {
    "portal_admin": (0.7, ["--exclude-tag", "gateway protocol", "--max-examples", "15"]),
    "gateway": (0.1, ["--include-tag", "gateway protocol", "--max-examples", "15"]),
    "leak_reporter": (0.1, EVERYTHING_A_LITTLE),
    "nobody": (0.1, EVERYTHING_A_LITTLE),
}
# Bounds that would end a run early are lifted, and hashing is made cheap: neither is what is looked for.
SETTINGS = {
    "ACCESS_TOKENS_PER_MINUTE": "1000000",
    "ALLOW_RETRIEVABLE_SECRETS": "true",
    "ARGON2_MEMORY_KIB": "8",
    "ARGON2_ITERATIONS": "1",
    "LEAK_REPORTS_PER_MINUTE": "1000000",
    "VERIFY_PER_SOURCE_PER_MINUTE": "1000000",
    "VERIFY_PER_USERNAME_PER_MINUTE": "1000000",
    "LOG_LEVEL": "warn",
}
STARTED_WITHIN_SECONDS = 60


# Ids are random, so which generated requests name what exists is too. While an operation was only ever refused, all is
# called again with other choices, at most so many times.
ROUNDS = 4


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def database(program):
    """How an empty PostgreSQL database is reached, which is there meanwhile; nothing for SQLite."""
    if not program:
        yield None
        return
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip() or sys.exit("PostgreSQL does not start")
        server.stdin.close()


class Registry:
    """A registry that runs while this is entered."""

    def __init__(self, binary, folder, database_url):
        port, operations = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.operations = f"http://127.0.0.1:{operations}"
        self.data = folder / "data"
        self.log = folder / "registry.log"
        settings = SETTINGS | {
            "LISTEN": f"127.0.0.1:{port}",
            "OPERATIONS_LISTEN": f"127.0.0.1:{operations}",
            "DATA_DIR": str(self.data),
        }
        if database_url:
            settings["DATABASE_URL"] = database_url
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KEYSMITH_")}
        environment = clean | {f"KEYSMITH_{name}": value for name, value in settings.items()}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=log, stderr=log)

    def __enter__(self):
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                sys.exit(f"the registry does not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ready(self):
        """Whether it says that it is."""
        try:
            with urllib.request.urlopen(f"{self.operations}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def admin_token(self):
        """The token that it made at its first start."""
        return (self.data / "admin-token").read_text().strip()


def fuzz(registry, caller, made, seconds, seed, answers):
    """One run of schemathesis as one caller. Whether everything was as documented."""
    print(f"== as {caller}, seed {seed}", flush=True)
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "FUZZ_TOKEN": made["tokens"][caller],
        "FUZZ_WORLD": json.dumps(made["known"]),
        "FUZZ_ANSWERS": str(answers),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"),
        "run", f"{registry.url}/openapi.json", "--url", registry.url,
        "--seed", str(seed), "--continue-on-failure", "--generation-database", "none",
    ]  # fmt: skip
    # Without a time the number of requests decides, so that a busy machine tries as many as an idle one.
    part, choice = CALLERS[caller]
    command += choice + (["--max-time", str(max(1, round(seconds * part)))] if seconds else [])
    return subprocess.run(command, env=environment, cwd=registry.data.parent, check=False).returncode == 0


def run(registry, answers, options):
    """All callers, one after the other."""
    made = world.make(registry.url, registry.admin_token())
    fine, counts = True, {}
    for number in range(ROUNDS):
        for caller in CALLERS:
            fine &= fuzz(registry, caller, made, options.seconds, options.seed + number * 1000, answers)
            for operation, statuses in json.loads(answers.read_text()).items():
                counted = counts.setdefault(operation, {})
                for status, times in statuses.items():
                    counted[status] = counted.get(status, 0) + times
        # A run that is only ever refused finds nothing.
        refused = [one for one, statuses in counts.items() if not any(status[0] == "2" for status in statuses)]
        if not fine or not refused:
            break
    for operation, statuses in sorted(counts.items()):
        print(f"{operation:60}", " ".join(f"{status}:{times}" for status, times in sorted(statuses.items())))
    for operation in refused:
        print(f"{operation} never succeeded: give tests/fuzz/world.py what it needs")
    return fine and not refused


def main():
    """Reads the command line, and ends with 1 when an answer was not as documented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keysmith", required=True, help="the registry's binary")
    parser.add_argument("--seconds", type=int, default=0, help="go on for so long; 0: a fixed number of requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--private-postgres", help="the program that starts a PostgreSQL server; without it SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keysmith-fuzz-") as place, database(options.private_postgres) as url:
        folder = pathlib.Path(place)
        with Registry(options.keysmith, folder, url) as registry:
            fine = run(registry, folder / "answers.json", options)
            fine &= registry.process.poll() is None
        # What the caller is not told of an error of the server is here, and nowhere else.
        lines = registry.log.read_text().splitlines()
        errors = [line for line in lines if "ERROR" in line or "panicked" in line]
        for line in errors[:20]:
            print(line)
        fine &= not errors
    print("every answer is as documented" if fine else "some answers are not as documented: see above")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
