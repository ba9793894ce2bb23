"""The process that opens foreign audio: `python -m gateways.audio.child FD SETTINGS`.

It limits itself first, answers one frame a job on the socket FD (a rendition before it, in chunks),
and is killed without regret.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from gateways.audio import lockdown
from schemas.telling import safely

Job = Callable[..., dict[str, Any]]  # the open file, and what the request gives beside it
Hearing = dict[str, Any]  # `gateways.audio.sandbox.Hearing`
MakeJob = Callable[[Hearing, socket.socket], Job]


# What a job needs of this repository; the data folder may lie beside.
ROOMS = ("gateways", "schemas", "events")


def main(jobs: Mapping[str, MakeJob], rooms: Sequence[str] = ROOMS) -> None:
    """Serve one of `jobs` until the parent hangs up."""
    link = socket.socket(fileno=int(sys.argv[1]))
    settings = json.loads(sys.argv[2])
    parent_pid, hearing = settings["parent_pid"], settings["hearing"]
    isolation = lockdown.before_imports(parent_pid, link.fileno())
    lockdown.step_back(settings["nice"])
    lockdown.only_code(rooms, hearing["models_dir"])

    from gateways.audio.warm import load_what_files_may_want
    from gateways.audio.wire import Disconnected, send_frame

    try:
        job = jobs[settings["job"]](hearing, link)
        load_what_files_may_want()
    except Exception as error:
        send_frame(link, {"failed": safely(error)[:500]})
        return
    isolation += lockdown.before_files(
        parent_pid, settings["memory_bytes"], settings["lifetime_cpu_s"]
    )
    try:
        send_frame(link, {"ready": isolation})
        while True:
            _serve_one(link, job)
    except Disconnected:
        return


def _probing(_hearing: Hearing, _link: socket.socket) -> Job:
    from gateways.audio.probe import probe

    return lambda file: probe(file).model_dump(mode="json")


def _drawing(_hearing: Hearing, _link: socket.socket) -> Job:
    from gateways.audio.drawing import draw

    return lambda file: draw(file).model_dump(mode="json")


def _analysing(hearing: Hearing, _link: socket.socket) -> Job:
    sys.modules["matplotlib"] = None  # type: ignore[assignment]  # sonara would, to draw
    from gateways.audio.analysis import analyse
    from gateways.audio.ear import Ear

    ear = Ear(**hearing)
    ear.warm_up()
    return lambda file: analyse(file, ear).model_dump(mode="json")


def _rendering(_hearing: Hearing, link: socket.socket) -> Job:
    from gateways.audio.rendition import render
    from gateways.audio.wire import send_chunk

    def streamed(file: BinaryIO) -> dict[str, Any]:
        try:
            return render(file, partial(send_chunk, link)).model_dump(mode="json")
        finally:
            send_chunk(link, b"")

    return streamed


def _picturing(_hearing: Hearing, _link: socket.socket) -> Job:
    from gateways.audio.artwork import read_artwork

    return lambda file: read_artwork(file).model_dump(mode="json")


def _rewriting(_hearing: Hearing, link: socket.socket) -> Job:
    from gateways.audio.tag_writer import rewrite
    from gateways.audio.wire import send_chunk

    def streamed(file: BinaryIO, changes: dict[str, Any]) -> dict[str, Any]:
        try:
            return rewrite(file, changes, partial(send_chunk, link)).model_dump(mode="json")
        finally:
            send_chunk(link, b"")

    return streamed


# Each imports what its job needs and warms it up, so that nothing is opened later.
JOBS: dict[str, MakeJob] = {
    "probe": _probing,
    "draw": _drawing,
    "render": _rendering,
    "rewrite": _rewriting,
    "picture": _picturing,
    "analyse": _analysing,
}


def _serve_one(link: socket.socket, job: Job) -> None:
    from gateways.audio.facts import Refused
    from gateways.audio.wire import receive_job, send_frame

    request, fd = receive_job(link)
    lockdown.allow_cpu(request["cpu_s"])
    if fd is None:
        raise SystemExit("a job without a file")
    with os.fdopen(fd, "rb") as file:
        try:
            answer: dict[str, Any] = {"result": job(file, **request.get("given", {}))}
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
    main(JOBS)
