"""Exchanging the installation's secrets, each in the way that keeps what rests on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from events.errors import NoCultureError
from runtime.secret_files import SecretFiles
from runtime.settings import Settings


class CannotRotate(NoCultureError):
    status, code = 422, "cannot-rotate"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Secret:
    """`read_by` are the parts that read it at their start and are started again behind it."""

    name: str
    purpose: str
    rotate: Callable[[Settings], dict[str, object]]
    read_by: tuple[str, ...] = ()


def _master_key(settings: Settings) -> dict[str, object]:
    from dataclasses import asdict

    from runtime.composition import open_core
    from runtime.master_key_rotation import rotate_master_key

    with open_core(settings, acting="worker", connections=4) as core:
        return asdict(rotate_master_key(core.pool, settings.secrets))


def _signing_key(settings: Settings) -> dict[str, object]:
    secrets: SecretFiles = settings.secrets
    secrets.make_following("signing_key")
    secrets.retire_signing_key()
    secrets.replace("signing_key")
    return {}


def _log_signing_seed(settings: Settings) -> dict[str, object]:
    from events.store.checkpoints import CheckpointFile
    from runtime.composition import open_core
    from runtime.log_signing import checkpoint_path, exchange_log_key

    with open_core(settings, acting="worker", connections=4) as core:
        log_id, _ = core.log.events.log_identity()
        file = CheckpointFile(checkpoint_path(settings, log_id))
        change = exchange_log_key(core.pool, settings.secrets, log_id, file)
    return {"public_key": change.public_key.hex(), "follows": change.follows.hex()}


def _never(_settings: Settings) -> dict[str, object]:
    raise CannotRotate(
        "installation_key cannot be exchanged: claims of addresses and the input hashes of all"
        " commands in the log are made with it, and a log is not rewritten. Whoever has it can"
        " find out by guessing whether an address has an account: keep it as you keep the log"
    )


SECRETS = {
    secret.name: secret
    for secret in (
        Secret(
            "installation_key",
            "claim keys of addresses, input hashes of commands; for ever",
            _never,
        ),
        Secret("master_key", "wraps the key of each person", _master_key),
        Secret(
            "signing_key",
            "signs cursors, links, form tokens and cookies of known devices: pages that are open"
            " must be loaded again, sessions stay",
            _signing_key,
            read_by=("api",),
        ),
        Secret(
            "log_signing_seed",
            "signs checkpoints and certificates; the old key signs the new one",
            _log_signing_seed,
        ),
    )
}


def rotate_secret(settings: Settings, name: str) -> dict[str, object]:
    """What there is to tell of it. Raises CannotRotate, and what each way raises.

    Safe to repeat after a kill at any point: what was begun is finished.
    """
    if name not in SECRETS:
        raise CannotRotate(f"There is no secret {name!r:.60}: `secrets list` names them")
    return SECRETS[name].rotate(settings)
