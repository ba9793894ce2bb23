"""The checkpointer of an installation, put together from its settings."""

from __future__ import annotations

from events.log.kafka_checkpoints import CheckpointTopic
from events.store.checkpoints import CheckpointFile
from processors.checkpointer import Checkpointer
from runtime.composition import Core, kafka_config
from runtime.engines.kafka_users import KafkaUser
from runtime.log_signing import LogSigning, checkpoint_path


def checkpointer(core: Core) -> Checkpointer:
    settings = core.settings
    log_id, _ = core.log.events.log_identity()
    with_kafka = settings.event_log == "kafka"
    return Checkpointer(
        core.pool,
        CheckpointFile(checkpoint_path(settings, log_id)),
        LogSigning(settings.secrets),
        CheckpointTopic(kafka_config(settings, KafkaUser.WORKER)) if with_kafka else None,
        every_events=settings.checkpoint_events,
        after_s=settings.checkpoint_after_s,
    )
