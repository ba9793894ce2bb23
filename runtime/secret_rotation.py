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


def _retiring(name: str) -> Callable[[Settings], dict[str, object]]:
    """The old value stays good for what was made with it."""

    def rotate(settings: Settings) -> dict[str, object]:
        secrets: SecretFiles = settings.secrets
        secrets.make_following(name)
        secrets.retire(name)
        secrets.replace(name)
        return {}

    return rotate


def _double_key(settings: Settings) -> dict[str, object]:
    """Doubles and those who ask them read it each time."""
    settings.secrets.make_following("double_key")
    settings.secrets.replace("double_key")
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


def _of_postgres(role: str) -> Callable[[Settings], dict[str, object]]:
    def rotate(settings: Settings) -> dict[str, object]:
        from runtime.engines.postgres import PASSWORDS, EmbeddedPostgres
        from runtime.engines.postgres_roles import ADMIN_ROLE

        if settings.has_own_database:
            raise CannotRotate(f"{role} is a role of your own database: change it there")
        name, secrets = PASSWORDS[role], settings.secrets
        running = bool(settings.app_database_url)
        if role == ADMIN_ROLE and not running:
            raise CannotRotate(f"Only the running database can change {role}: start it first")
        password = secrets.make_following(name)
        if running:
            import psycopg

            from runtime.engines.postgres_roles import set_password

            engine = EmbeddedPostgres(settings.data / "postgres", secrets=secrets).known_port()
            engine.answers()  # finishes an exchange of the admin's own that was cut off
            if secrets.following(name) is None:
                return {}
            with psycopg.connect(engine.admin_url("postgres"), autocommit=True) as admin:
                set_password(admin, role, password)
        # Otherwise the next start gives each role the password of its file.
        secrets.replace(name)
        return {}

    return rotate


def _of_kafka(user: str) -> Callable[[Settings], dict[str, object]]:
    def rotate(settings: Settings) -> dict[str, object]:
        from runtime.engines.kafka_users import KafkaUser
        from runtime.settings import is_embedded

        if settings.kafka_bootstrap and not is_embedded(settings, "kafka_bootstrap"):
            raise CannotRotate(f"{user} is a user of your own Kafka: change it there")
        name = f"kafka_{user}_password"
        settings.secrets.make_following(name)
        settings.secrets.replace(name)
        if settings.kafka_bootstrap and user != KafkaUser.ADMIN:
            from runtime.engines.kafka_rights import admit_users

            admit_users(settings.secrets, settings.kafka_bootstrap)
        # Otherwise the next start of the broker gives each user the password of its file.
        return {}

    return rotate


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
            _retiring("signing_key"),
            read_by=("api",),
        ),
        Secret(
            "record_mac_key",
            "proves each record on the topics; the old key proves those that are there until"
            " `log recover` makes them anew",
            _retiring("record_mac_key"),
            # Workers look for a key that they do not know by themselves.
            read_by=("relay",),
        ),
        Secret(
            "log_signing_seed",
            "signs checkpoints and certificates; the old key signs the new one",
            _log_signing_seed,
        ),
        Secret(
            "double_key",
            "doubles of outside services ask for it: who has it reads mails of test mode",
            _double_key,
        ),
        Secret(
            "postgres_admin_password",
            "the embedded database's superuser, of the supervisor",
            _of_postgres("noculture_admin"),
        ),
        Secret(
            "postgres_owner_password",
            "owner of the log and its tables: migrations, `log recover`",
            _of_postgres("noculture"),
        ),
        Secret("postgres_app_password", "the API", _of_postgres("noculture_app"), read_by=("api",)),
        Secret(
            "postgres_worker_password",
            "worker and analysis",
            _of_postgres("noculture_worker"),
            read_by=("worker", "analysis"),
        ),
        Secret(
            "postgres_relay_password",
            "the relay",
            _of_postgres("noculture_relay"),
            read_by=("relay",),
        ),
        Secret(
            "postgres_reader_password",
            "`status`, auditors: reads log and read models",
            _of_postgres("noculture_reader"),
        ),
        Secret(
            "postgres_backup_password",
            "`backup`: the replication protocol",
            _of_postgres("noculture_backup"),
        ),
        Secret(
            "kafka_admin_password",
            "the embedded broker's superuser, of the supervisor",
            _of_kafka("admin"),
            read_by=("kafka",),
        ),
        Secret(
            "kafka_relay_password",
            "the relay: writes the topics",
            _of_kafka("relay"),
            read_by=("relay",),
        ),
        Secret(
            "kafka_worker_password",
            "workers: read the topics",
            _of_kafka("worker"),
            read_by=("worker",),
        ),
        Secret("kafka_auditor_password", "auditors: read all topics", _of_kafka("auditor")),
    )
}


def rotate_secret(settings: Settings, name: str) -> dict[str, object]:
    """Exchanges one secret; returns what to tell. Raises CannotRotate, and what its way raises.

    Safe to repeat after a kill at any point: what was begun is finished.
    """
    if name not in SECRETS:
        raise CannotRotate(f"There is no secret {name!r:.60}: `secrets list` names them")
    return SECRETS[name].rotate(settings)
