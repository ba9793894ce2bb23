"""P17: from the acknowledgement of a revocation to the first request for the audio that is refused.

Ours are the product's processes over HTTP: a track is shared with another account, which hears it
and, once it was taken back, asks for its first byte again and again on a kept connection. The peer
is the contract: 250 ms. A request that names the revocation's position is refused at once: that is
asserted for each.
"""

from __future__ import annotations

import time

from benchmarks.product import Answer, Client, running, sign_up, upload
from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig

REVOCATIONS = 200
PROMISED_MS = 250.0
FIRST_BYTE = {"Range": "bytes=0-0"}
PATIENCE_S, PAUSE_S = 10.0, 0.002


def measure(rig: Rig) -> list[Result]:
    count = 10 if rig.quick else REVOCATIONS
    with running(rig, rig.folder / "p17", "api", "relay", "worker") as port:
        owner, guest = sign_up(port, "owner"), sign_up(port, "guest")
        asset = upload(owner, 1)
        account = str(guest.call("GET", "/api/me").json()["id"])
        _revoked(owner, guest, asset, account)
        seconds = [_revoked(owner, guest, asset, account) for _ in range(count)]
    found = percentiles(seconds)
    ours = found["p99"] * 1000
    return [
        Result(
            name="P17",
            title=f"a revocation until no byte is served, p99 of {count}",
            ours=ours,
            peer="the contract",
            theirs=PROMISED_MS,
            ratio=ours / PROMISED_MS,
            goal=1.0,
            unit="ms",
            at_most=True,
            details={"seconds": found},
        )
    ]


def _revoked(owner: Client, guest: Client, asset: str, account: str) -> float:
    """Seconds from the acknowledgement to the answer that refuses."""
    grants, audio = f"/api/assets/{asset}/grants", f"/api/assets/{asset}/audio"
    granted = owner.call("POST", grants, {"account_id": account, "right": "listen"})
    assert granted.status == 201, granted.body
    heard = guest.call("GET", audio, headers={**FIRST_BYTE, **_at(granted)})
    assert heard.status == 206, heard.body
    revoked = owner.call("DELETE", f"{grants}/{account}")
    acknowledged = time.perf_counter()
    assert revoked.status == 204, revoked.body
    while guest.call("GET", audio, headers=FIRST_BYTE).status != 404:
        assert time.perf_counter() - acknowledged < PATIENCE_S, "it is still heard"
        # Whoever asks without a pause keeps the view from a core.
        time.sleep(PAUSE_S)
    refused = time.perf_counter() - acknowledged
    at_once = guest.call("GET", audio, headers={**FIRST_BYTE, **_at(revoked)})
    assert at_once.status == 404, at_once.body
    return refused


def _at(change: Answer) -> dict[str, str]:
    """Headers of a read that waits for this change."""
    return {"Min-Position": change.headers["Event-Position"], "Prefer": "wait=20"}
