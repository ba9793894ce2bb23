"""An address under which one PUT of known length and content may be sent to S3: SigV4 in its query.

obstore signs an address too, but binds no header: any bytes of any length could be sent to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from gateways.ports.objects import PresignedPut


@dataclass(frozen=True, slots=True)
class S3Keys:
    access_key: str
    secret_key: str
    session_token: str = ""


def presign_put(
    address: str,
    region: str,
    keys: S3Keys,
    *,
    sha256: str,
    size_bytes: int,
    expires_s: int,
    now: datetime,
) -> PresignedPut:
    """`address` is the object's own, https://HOST/BUCKET/KEY."""
    parts = urlsplit(address)
    headers = {
        "content-length": str(size_bytes),
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
    }
    signed = {"host": parts.netloc, **headers}
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{keys.access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": ";".join(sorted(signed)),
    }
    if keys.session_token:
        query["X-Amz-Security-Token"] = keys.session_token
    written = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )
    path = quote(parts.path, safe="/-_.~")
    request = "\n".join(
        (
            *("PUT", path, written),
            *(f"{name}:{value}" for name, value in sorted(signed.items())),
            *("", ";".join(sorted(signed)), "UNSIGNED-PAYLOAD"),
        )
    )
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest())
    )
    signature = hmac.new(_signing_key(keys.secret_key, scope), to_sign.encode(), "sha256")
    url = f"{parts.scheme}://{parts.netloc}{path}?{written}&X-Amz-Signature={signature.hexdigest()}"
    return PresignedPut(url, headers)


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
