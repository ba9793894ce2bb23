"""Checks proofs from the log of NoCulture OS. Shares no code with it: Python 3.11, nothing else.
    python check_log.py --public-key HEX FILE [--mine CHECKPOINTS]
FILE: a proof of `./noculture log proof`, or checkpoints, one a line. The key: ask once with
`./noculture log checkpoint --public-key`, keep it. --mine: the proof's checkpoints must be among
those that you kept. Lines of `log keys --json` in front lead to the keys that followed yours.
Exit code 0: all holds. docs/adr/0002 and 0010 say what is hashed and signed.
"""

import argparse
import base64
import datetime
import hashlib
import json
import pathlib
import struct
from collections.abc import Callable, Sequence
from typing import Any

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
FRAME = "event_id stream_id stream_version category type version effective_at actor tenant"
FRAME += " correlation_id causation_id command_id input_hash claims data"
FOR_EVER = (float("inf"), 0)  # greater than any (epoch, size)
Point = tuple[int, int]  # a point of the curve
Keys = dict[bytes, tuple[float, int]]  # a key and the last (epoch, size) that it signed
Json = dict[str, Any]


class Wrong(Exception):
    """Ends the check; its text says what does not hold."""


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


# Ed25519, RFC 8032: sum, multiple and decoding of points of the curve.
def add(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P)
    return x % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P


def times(scalar: int, point: Point) -> Point:
    result = (0, 1)
    while scalar:
        result = add(result, point) if scalar & 1 else result
        point, scalar = add(point, point), scalar >> 1
    return result


def point_of(encoded: bytes) -> Point:
    sign, y = divmod(int.from_bytes(encoded, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if len(encoded) != 32 or y >= P or (x * x - square) % P or (x == 0 and sign):
        raise Wrong("a key or signature is no point of Ed25519")
    return (P - x if x & 1 != sign else x), y


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    scalar = int.from_bytes(signature[32:], "little")
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    right = times(int.from_bytes(hashed, "little") % L, point_of(key))
    base = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return scalar < L and times(scalar, base) == add(point_of(signature[:32]), right)


def check_checkpoint(point: Json, keys: Keys) -> None:
    name, root = f"noculture/{point['log_id']}", bytes.fromhex(point["root"])
    text = f"{name}\n{point['size']}\n{base64.b64encode(root).decode()}\nepoch {point['epoch']}\n"
    text += f"hash {point['hash']}\nrecorded_at {point['recorded_at']}\n"
    names = {sha256(name.encode(), b"\n\1", key)[:4].hex(): key for key in keys}
    key = names.get(point["key_id"])
    if key is None or (point["epoch"], point["size"]) > keys[key]:
        raise Wrong(f"the checkpoint of {point['size']} names another key, or one given up before")
    if not is_signed(text.encode(), base64.b64decode(point["signature"]), key):
        raise Wrong(f"the checkpoint of {point['size']} is not signed with this key")


def check_key(change: Json, keys: Keys) -> str:
    name, old, new = f"noculture/{change['log_id']}", list(keys)[-1], change["public_key"]
    last = change["epoch"], change["size"]
    text = f"{name}\nkey {new}\nfollows {old.hex()}\nafter epoch {last[0]} size {last[1]}\n"
    if not is_signed(text.encode(), base64.b64decode(change["signature"]), old):
        raise Wrong("this exchange of keys is not signed with the key before it")
    keys |= {old: last, bytes.fromhex(new): FOR_EVER}
    return f"behind the checkpoint of {last[1]} the key is {new}"


def micros(text: str) -> int:
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (datetime.datetime.fromisoformat(text) - epoch) // datetime.timedelta(microseconds=1)


def leaf_of(frame: Json) -> bytes:
    forms: dict[str, Callable[[Any], Any]] = {"effective_at": micros, "input_hash": bytes.fromhex}
    leaf = b""
    for name in FRAME.split():
        value = forms.get(name, lambda same: same)(frame[name])
        value = struct.pack(">q", value) if isinstance(value, int) else value
        value = value.encode() if isinstance(value, str) else value
        leaf += struct.pack(">i", -1 if value is None else len(value)) + (value or b"")
    return sha256(leaf)


def climb(node: bytes, at: int, size: int, path: Sequence[bytes]) -> tuple[str, str]:
    """RFC 9162, 2.1: the root over a node's siblings, and the one over those on its left only."""
    left, last = node, size - 1
    for sibling in path:
        if last <= 0:
            raise Wrong("there are hashes too many")
        if at & 1 or at == last:
            node, left = sha256(b"\1", sibling, node), sha256(b"\1", sibling, left)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        at, last = at >> 1, last >> 1
    return (node.hex(), left.hex()) if last == 0 else ("", "")


def check_inclusion(proof: Json, size: int, root: str, path: list[bytes]) -> str:
    at = proof["position"]
    entry = struct.pack(">qq", at, micros(proof["recorded_at"])) + leaf_of(proof["frame"])
    if not 1 <= at <= size or climb(sha256(b"\0", entry), at - 1, size, path)[0] != root:
        raise Wrong(f"this is not the event that the log of {size} has at {at}")
    return f"event {at} ({proof['frame']['type']}) is in the log of {size} as it is written here"


def check_consistency(proof: Json, size: int, root: str, path: list[bytes]) -> str:
    first, old = proof["first"]["size"], proof["first"]["root"]
    whole = first.bit_length() if first == size else (first & -first).bit_length() - 1
    path = [bytes.fromhex(old), *path] if first in (1 << whole, size) else path
    last, at = size - 1 >> whole, first - 1 >> whole
    if not (0 < first <= size and path) or climb(path[0], at, last + 1, path[1:]) != (root, old):
        raise Wrong(f"the log of {size} does not begin with the log of {first}")
    return f"the log of {size} begins with the log of {first}"


def check(read: Json, mine: set[tuple[str, int, str]] | None, keys: Keys) -> str:
    if read.get("kind") == "key":
        return check_key(read, keys)
    points = [read[name] for name in ("checkpoint", "first") if name in read] or [read]
    for point in points:
        check_checkpoint(point, keys)
        if mine is not None and (point["log_id"], point["size"], point["root"]) not in mine:
            raise Wrong(f"you did not keep this checkpoint of {point['size']}")
    path = [bytes.fromhex(text) for text in read.get("hashes", ())]
    if len({point["log_id"] for point in points}) != 1 or any(len(hash) != 32 for hash in path):
        raise Wrong("the proof is of two logs, or holds something that is no hash")
    if "kind" not in read:
        return f"the checkpoint of {read['size']} is signed with this key"
    kinds = {"inclusion": check_inclusion, "consistency": check_consistency}
    return kinds[read["kind"]](read, points[0]["size"], points[0]["root"], path)


if __name__ == "__main__":
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--public-key", required=True, type=bytes.fromhex)
    options.add_argument("--mine", type=pathlib.Path)
    options.add_argument("file", type=pathlib.Path)
    given = options.parse_args()
    try:
        lines = given.mine.read_text("utf-8").splitlines() if given.mine else []
        mine = {(p["log_id"], p["size"], p["root"]) for p in map(json.loads, lines)}
        keys = {given.public_key: FOR_EVER}
        for line in filter(None, given.file.read_text("utf-8").splitlines()):
            print(check(json.loads(line), mine if given.mine else None, keys))
    except (Wrong, KeyError, TypeError, ValueError, OSError) as wrong:
        said = wrong if isinstance(wrong, Wrong) else repr(wrong)
        raise SystemExit(f"WRONG: {said}") from None
