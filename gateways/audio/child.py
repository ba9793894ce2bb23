"""The process that opens foreign audio: `python -m gateways.audio.child FD SETTINGS`.

It limits itself first, answers one frame a job on the socket FD (a rendition before it, in chunks),
and is killed without regret.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from gateways.audio import lockdown
from schemas.telling import safely

Job = Callable[..., dict[str, Any]]  # the open file, and what the request gives beside it


def main() -> None:
    link = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(sys.argv[2])
    isolation = lockdown.before_imports(settings["parent_pid"])
    lockdown.step_back(settings["nice"])

    from gateways.audio.wire import Disconnected, send_frame

    try:
        job = _prepare(settings["job"], settings["hearing"], link)
    except Exception as error:
        send_frame(link, {"failed": safely(error)[:500]})
        return
    isolation += lockdown.before_files(settings["memory_bytes"], settings["lifetime_cpu_s"])
    try:
        send_frame(link, {"ready": isolation})
        while True:
            _serve_one(link, job)
    except Disconnected:
        return


def _prepare(job: str, hearing: dict[str, Any], link: socket.socket) -> Job:
    """Import what the job needs and warm it up, so that nothing is opened later."""
    if job == "probe":
        from gateways.audio.probe import probe

        return lambda file: probe(file).model_dump(mode="json")
    if job == "render":
        return _rendering(link)
    if job == "rewrite":
        return _rewriting(link)

    from gateways.audio.analysis import analyse
    from gateways.audio.ear import Ear

    ear = Ear(**hearing)
    ear.warm_up()
    return lambda file: analyse(file, ear).model_dump(mode="json")


def _rendering(link: socket.socket) -> Job:
    from gateways.audio.rendition import render
    from gateways.audio.wire import send_chunk

    def streamed(file: BinaryIO) -> dict[str, Any]:
        try:
            return render(file, partial(send_chunk, link)).model_dump(mode="json")
        finally:
            send_chunk(link, b"")

    return streamed


def _rewriting(link: socket.socket) -> Job:
    from gateways.audio.tag_writer import rewrite
    from gateways.audio.wire import send_chunk

    def streamed(file: BinaryIO, changes: dict[str, Any]) -> dict[str, Any]:
        try:
            return rewrite(file, changes, partial(send_chunk, link)).model_dump(mode="json")
        finally:
            send_chunk(link, b"")

    return streamed


def _serve_one(link: socket.socket, job: Job) -> None:
    from gateways.audio.facts import Refused
    from gateways.audio.wire import receive_frame, send_frame

    request, fd = receive_frame(link)
    lockdown.allow_cpu(request["cpu_s"])
    if fd is None:
        raise SystemExit("a job without a file")
    with os.fdopen(fd, "rb") as file:
        try:
            answer = {"result": job(file, **request.get("given", {}))}
        except MemoryError:
            refused = Refused(
                code="limits-exceeded", reason="This file needs more memory than one file may have."
            )
            answer = {"result": refused.model_dump(mode="json")}
        except Exception as error:
            answer = {"failed": safely(error)[:500]}
    send_frame(link, answer)
    lockdown.give_back_memory()


if __name__ == "__main__":
    main()
