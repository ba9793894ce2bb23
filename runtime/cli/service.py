"""`up`, `down`, `run`: starting and stopping an installation."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from runtime.cli.output import Json, is_text, print_json, say
from runtime.cli.progress import Progress
from runtime.errors import FolderNotText, NothingRunning, RuntimeProblem
from runtime.installation import ROOT, chosen_data, make_data_folder
from runtime.settings import ENGINES_FILE, Settings, load_settings, role_of
from runtime.state import RunState, is_running
from runtime.status import describe

app = typer.Typer(pretty_exceptions_enable=False)

Port = Annotated[int | None, typer.Option(help="Port of the pages and the API; 0: a free one.")]
EventLog = Annotated[
    Literal["kafka", "postgres"] | None, typer.Option(help="postgres: run without a broker.")
]
STOP_PATIENCE_S = 120.0


@app.command()
def up(
    port: Port = None,
    event_log: EventLog = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when ready.")] = False,
    json: Json = False,
) -> None:
    """Start every part."""
    run_dir = chosen_data() / "run"
    if is_running(run_dir):
        say_already_running(run_dir, json)
    elif detach:
        start_detached(port, event_log, json)
    else:
        supervise_here(port, event_log, json=json, in_terminal=True)


@app.command(hidden=True)
def supervise(port: Port = None, event_log: EventLog = None) -> None:
    """Run the supervisor, as `up --detach` starts it in the background."""
    supervise_here(port, event_log, json=False, in_terminal=False)


@app.command()
def down(json: Json = False) -> None:
    """Stop in order."""
    data = chosen_data()
    run_dir = data / "run"
    if not is_running(run_dir):
        end_what_outlived(run_dir)
        raise NothingRunning(data)
    state = RunState.read(run_dir)
    names = [part.name for part in reversed(state.parts) if part.pid] if state else []
    if state:
        os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE_S
    while is_running(run_dir):
        if time.monotonic() > deadline:
            raise RuntimeProblem(
                f"NoCulture is still stopping after {STOP_PATIENCE_S:.0f} s; see {data / 'logs'}, "
                "then run `./noculture down` again."
            )
        time.sleep(0.05)
    if json:
        print_json({"stopped": names})
    else:
        print("Stopped " + ", ".join(names) + ".")


@app.command()
def run(
    part: Literal["api", "relay", "worker", "analysis", "migrations", "double"],
    name: Annotated[
        Literal["mail"] | None, typer.Argument(help="Which double, after `double`.")
    ] = None,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
    listener: Annotated[int | None, typer.Option("--listener", hidden=True)] = None,
) -> None:
    """Run one part alone, against configured services; or the double of one that you have not."""
    if (part == "double") != (name is not None):
        raise typer.BadParameter("A name comes after `double`, and only there: `run double mail`")
    if supervised:
        from runtime.lifeline import end_with_supervisor

        end_with_supervisor()
    settings = load_settings()
    if name is not None:
        from runtime.doubles import run_double

        run_double(settings, name, listener)
        return
    from runtime import parts

    if part != "migrations":
        settings = settings.of_part(role_of(part))
    if part == "worker" and supervised:
        # An installation's supervisor runs one worker: its successor may bear the same name.
        place = zlib.crc32(str(settings.data).encode())
        parts.run_worker(settings, member=f"{socket.gethostname()}-{place:08x}")
    else:
        getattr(parts, f"run_{part}")(settings)


def supervise_here(
    port: int | None, event_log: str | None, *, json: bool, in_terminal: bool
) -> NoReturn:
    """Be the supervisor until told to stop."""
    from runtime.supervisor import Supervisor

    settings, port_is_chosen = fresh_settings(port, event_log)
    progress = Progress(shown=in_terminal)
    told = False

    def watch(state: RunState) -> None:
        nonlocal told
        progress.show(state)
        if state.ready and in_terminal and not told:
            told = True
            progress.close()
            tell_ready(settings, state, json, "Ctrl-C stops it.")

    supervisor = Supervisor(settings, port_is_chosen=port_is_chosen, watch=watch)
    code = supervisor.run()
    progress.close()
    if supervisor.state.error:
        tell_error(supervisor.state, json and not told)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a download that was under way would keep the interpreter from ending


def start_detached(port: int | None, event_log: str | None, json: bool) -> None:
    """Start the supervisor in a session of its own and return when it is ready."""
    settings, _chosen = fresh_settings(port, event_log)
    make_data_folder(settings.data)
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    options = [] if port is None else ["--port", str(port)]
    options += [] if event_log is None else ["--event-log", event_log]
    environment = {**os.environ, "NOCULTURE_DATA": str(settings.data), "PYTHONPATH": str(ROOT)}
    with (settings.log_dir / "supervisor.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "runtime", "supervise", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    progress = Progress(shown=True)
    try:
        state = wait_until_ready(settings, child, progress)
    except KeyboardInterrupt:
        child.terminate()
        child.wait(STOP_PATIENCE_S)
        raise
    finally:
        progress.close()
    if state is None or state.error:
        code = child.wait(STOP_PATIENCE_S)
        if state is None:
            raise RuntimeProblem(
                f"NoCulture ended at once; see {settings.log_dir / 'supervisor.log'}"
            )
        tell_error(state, json)
        raise typer.Exit(code or 1)
    tell_ready(settings, state, json, "`./noculture down` stops it.")


def wait_until_ready(
    settings: Settings, child: subprocess.Popen[bytes], progress: Progress
) -> RunState | None:
    """The state once it is ready or given up; None if the supervisor ended without a word."""
    while True:
        ended = child.poll() is not None
        state = RunState.read(settings.run_dir)
        mine = state if state and state.pid == child.pid else None
        if mine:
            progress.show(mine)
        if ended or (mine and (mine.ready or mine.error)):
            return mine
        time.sleep(0.05)


def fresh_settings(port: int | None, event_log: str | None) -> tuple[Settings, bool]:
    """Settings of an installation that is not running, and whether the port was chosen."""
    data = chosen_data()
    if not is_text(str(data)):
        raise FolderNotText(data)
    (data / "run" / ENGINES_FILE).unlink(missing_ok=True)  # of a supervisor that was killed
    settings = load_settings(port=port, event_log=event_log)
    return settings, "port" in settings.model_fields_set


def say_already_running(run_dir: Path, json: bool) -> None:
    described = describe(chosen_data())
    if json:
        print_json(described)
        return
    parts = ", ".join(f"{part['name']} {part['state']}" for part in described["parts"])
    say(f"Already running: {parts}")
    print(described["web"])


def tell_ready(settings: Settings, state: RunState, json: bool, how_to_stop: str) -> None:
    for note in state.notes:
        say(f"Note: {note}")
    if json:
        print_json(describe(settings.data))
    else:
        print(f"NoCulture OS is at {state.web}  {how_to_stop}", flush=True)


def tell_error(state: RunState, json: bool) -> None:
    assert state.error
    if json:
        print_json({"error": {"code": state.error.code, "message": state.error.message}})
    say(f"noculture: {state.error.message}")


def end_what_outlived(run_dir: Path) -> None:
    """Parts may have outlived a supervisor that was killed."""
    from runtime.supervisor import end_leftovers

    end_leftovers(RunState.read(run_dir))
