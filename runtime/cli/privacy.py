"""`privacy …`: the keys of personal data, and who was erased."""

from __future__ import annotations

from dataclasses import asdict

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Keys of personal data, and the register of who was erased.",
)


@app.command("rotate-master-key")
def rotate_master_key(json: Json = False) -> None:
    """Wrap every person's key with a new master key and delete the old one; nothing stops.

    Backups made before can be read only with the old key: for them, copy `secrets/master_key`
    to where your backups of secrets are before you run this. Without a copy they hold no personal
    data any more, also not of those who were erased since.
    """
    from runtime.cli.bar import bar
    from runtime.composition import open_core
    from runtime.master_key_rotation import rotate_master_key as rotate

    settings = load_settings()
    with open_core(settings, acting="worker", connections=4) as core:
        with core.pool.connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM subject_keys WHERE wrapped_key IS NOT NULL"
            ).fetchone()
        with bar("wrapping keys", row[0] if row else 0) as advance:
            done = rotate(core.pool, settings.secrets, advance)
    if json:
        print_json(asdict(done))
        return
    how = "The interrupted rotation is finished" if done.resumed else "The master key is exchanged"
    print(
        f"{how}: {done.rewrapped} keys wrapped with {done.new_key_id}, {done.old_key_id} is gone."
    )


@app.command("erasures")
def erasures(json: Json = False) -> None:
    """List the erased, from the register outside the database (exit code 1 if it is damaged)."""
    from runtime.erasure_register import register_of

    register = register_of(load_settings())
    entries = register.entries()
    if json:
        print_json({"register": str(register.path), "erased": [asdict(each) for each in entries]})
        return
    for entry in entries:
        print(f"{entry.registered_at[:19]}  {entry.erasure_id}  {entry.subject_id}")
    print(f"{len(entries)} erased; the register is {register.path}")
