"""Settings of the HTTP server: names, sessions, what a connection and a costly request may take."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class ServingSettings(BaseSettings):
    """Part of `runtime.settings.Settings`."""

    host: str = Field("127.0.0.1", description="Address to listen on; loopback unless changed.")
    port: int = Field(
        8420, ge=0, le=65535, description="Port of the pages and the API; 0 picks a free one."
    )
    public_url: str = Field(
        "", description="Address people use, if a proxy is in front; empty: http://HOST:PORT."
    )
    security_contact: str = Field(
        "",
        pattern=r"^(?:(?:mailto:|https://)[!-~]+)?$",
        description="Where holes are reported, `mailto:…` or `https://…`, told in"
        " /.well-known/security.txt; empty: there is none.",
    )
    allowed_hosts: str = Field(
        "",
        description="More names, with commas between, by which browsers and probes may call the"
        " pages: NAME for every port, or NAME:PORT. Any other is answered 421.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks, with commas between, of the proxies whose"
        " X-Forwarded-For is believed; empty: nobody's.",
    )
    session_days: float = Field(
        30.0, gt=0, le=3650, description="Days after which a session ends, however much it is used."
    )
    operator_second_factor: Literal["", "required", "optional"] = Field(
        "",
        description="Whether operators need more than a password; empty: required where"
        " others than this machine's users can reach the pages (HOST or PUBLIC_URL).",
    )
    max_connections: int = Field(
        2_000, ge=16, description="Connections in all; fewer if the system allows fewer open files."
    )
    max_connections_per_address: int = Field(
        256,
        ge=1,
        description="Connections of one address, or of one IPv6 /64. Above it the one that has"
        " waited longest for its client is closed. Proxies of `trusted_proxies` have no such limit:"
        " set it there.",
    )
    max_header_bytes: int = Field(
        32 * 1024, ge=1024, description="Bytes of a request's headers, above: 431."
    )
    max_headers: int = Field(100, ge=10, description="Headers of a request, above: 431.")
    max_target_bytes: int = Field(
        8 * 1024, ge=256, description="Bytes of a request's address and its query, above: 414."
    )
    header_timeout_s: float = Field(
        10.0, gt=0, description="Seconds in which a request's headers must be there, else 408."
    )
    keep_alive_s: float = Field(
        20.0, gt=0, description="Seconds that a connection may wait for its next request."
    )
    body_timeout_s: float = Field(
        20.0, gt=0, description="Seconds over which the speed of a body is measured."
    )
    min_body_bytes_per_s: int = Field(
        250,
        ge=1,
        description="The slowest body, in bytes a second, else 408; a faster one may take as long"
        " as it likes.",
    )
    send_timeout_s: float = Field(
        60.0,
        gt=0,
        description="Seconds after which an answer is dropped of which its client reads nothing;"
        " players ask again for the rest.",
    )
    passwords_at_once: int = Field(
        2,
        ge=1,
        le=64,
        description="Passwords that one API process hashes at the same time: each takes a core for"
        " 0.2 s and 64 MiB. Waiting requests are served in rotation of accounts and networks.",
    )
    files_at_once: int = Field(
        8,
        ge=1,
        le=32,
        description="Uploads that one API process checks and moves, and files that it writes anew,"
        " at the same time; half of them for one account.",
    )
    searches_at_once: int = Field(
        8,
        ge=1,
        le=32,
        description="Searches that one API process answers at the same time; half of them for one"
        " account.",
    )
    live_streams: int = Field(
        2_000, ge=1, description="Live streams that one API process holds open."
    )
    live_streams_per_network: int = Field(
        500,
        ge=1,
        description="Live streams of one network (IPv4 address, or /48 of IPv6); an account has at"
        " most 50.",
    )
