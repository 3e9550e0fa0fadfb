"""Whether the API keeps what its document promises, whatever it is sent.

Run `python -m benchmarks.fuzz [--examples N] [--number N] [--json]`. The site runs on the demo event in a
temporary folder. Every operation is called with N requests made to fit the document and N made not to, by
every demo account, by a visitor and by nobody. A fault is an answer of 5xx, or one that the document does
not promise; the command then ends with code 1. The same number makes the same calls.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from benchmarks import faults
from benchmarks.api import ask, program
from core import demo, processes


def callers(site: str) -> Mapping[str, Callable[[], faults.Headers]]:
    """Return who calls, by name, each with the way to its headers of the moment."""
    visitor = {"X-Visitor": ask(f"{site}/api/v1/visitors", "POST")["visitor"]}
    accounts = {email.partition("@")[0]: partial(sign_in, site, email) for email in demo.PEOPLE}
    return {"nobody": dict, "visitor": partial(dict, visitor), **accounts}


def sign_in(site: str, email: str) -> faults.Headers:
    """Return the headers of an account, none once an admin's call has disabled it."""
    form = urlencode({"grant_type": "password", "username": email, "password": demo.PASSWORD})
    try:
        with urlopen(f"{site}/api/v1/oauth/token", form.encode(), timeout=30) as answer:  # noqa: S310
            return {"Authorization": f"Bearer {json.load(answer)['access_token']}"}
    except HTTPError:
        return {}


def known(site: str) -> Mapping[str, object]:
    """Return path parameters that name something of the demo event."""
    headers = dict(sign_in(site, "organiser@demo.example"))
    event_id = ask(f"{site}/api/v1/events?mine=true", **headers)["items"][0]["id"]
    photo = ask(f"{site}/api/v1/events/{event_id}/uploads?limit=1", **headers)["items"][0]
    return {"event_id": event_id, "gallery_id": photo["gallery_id"], "photo_id": photo["id"]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every fault; end with code 1 if there is one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="of each kind, for each operation")
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="encore-fuzz-") as folder:
        os.environ |= {"ENCORE_DATA": f"{folder}/data", "PORT": str(processes.free_port())}
        subprocess.run([sys.executable, "-m", "core", "demo"], check=True, capture_output=True)
        with program("site", int(os.environ["PORT"])) as site:
            count, found = faults.find(site, callers(site), known(site), options.examples, options.number)
    for fault in found:
        print(f"{fault.operation} as {fault.who}: {fault.what}")
    print(f"{count} calls, {len(found)} faults")
    if options.json:
        print(json.dumps({"calls": count, "faults": len(found)}))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
