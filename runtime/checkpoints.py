"""The checkpointer of an installation, put together from its settings."""

from __future__ import annotations

from pathlib import Path

from events.log.kafka_checkpoints import CheckpointTopic
from events.store.checkpoints import CheckpointFile
from events.store.signing import LogSigner
from processors.checkpointer import Checkpointer
from runtime.composition import Core, kafka_config
from runtime.settings import Settings


def checkpoint_path(settings: Settings, log_id: str) -> Path:
    """The copy outside the database; part of no restore of it."""
    return settings.data / "checkpoints" / f"{log_id}.jsonl"


def checkpointer(core: Core) -> Checkpointer:
    settings = core.settings
    log_id, _ = core.log.events.log_identity()
    return Checkpointer(
        core.pool,
        CheckpointFile(checkpoint_path(settings, log_id)),
        LogSigner(settings.secrets.log_signing_seed),
        CheckpointTopic(kafka_config(settings)) if settings.event_log == "kafka" else None,
        every_events=settings.checkpoint_events,
        after_s=settings.checkpoint_after_s,
    )
