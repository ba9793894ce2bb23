"""Tells a process that a test starts how to reach the broker; not by its arguments, which every
user of the machine can read.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict

from events.log.kafka_config import KafkaConfig

NAME = "TEST_KAFKA"


def environment(config: KafkaConfig) -> dict[str, str]:
    return {**os.environ, NAME: json.dumps(asdict(config))}


def told() -> KafkaConfig:
    """In the child."""
    return KafkaConfig(**json.loads(os.environ[NAME]))
