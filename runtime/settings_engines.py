"""Settings of what the installation rests on: database, broker, object store, mail."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class EngineSettings(BaseSettings):
    """Part of `runtime.settings.Settings`."""

    event_log: Literal["kafka", "postgres"] = Field(
        "kafka", description="What consumers read: Kafka, or the store itself without a broker."
    )
    database_url: str = Field(
        "", description="DSN of the database's owner role; empty: the embedded Postgres."
    )
    app_database_url: str = Field(
        "", description="DSN of the application's role; needed with a database of your own."
    )
    worker_database_url: str = Field(
        "",
        description="DSN of the role that makes the read models, of your own database; empty: the"
        " application's, which migrations then allow all that a worker does.",
    )
    relay_database_url: str = Field(
        "", description="DSN of the relay's role, of your own database; empty: the worker's."
    )
    kafka_bootstrap: str = Field(
        "", description="Bootstrap servers, comma separated; empty: the embedded Kafka."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to speak to your own Kafka."
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "", description="SASL mechanism of your own Kafka."
    )
    kafka_sasl_username: str = Field(
        "",
        description="SASL user of your own Kafka: the relay, and parts without one of their own.",
    )
    kafka_sasl_password: SecretStr = Field(
        SecretStr(""), description="SASL password of your own Kafka."
    )
    kafka_worker_username: str = Field("", description="SASL user of the workers, if another.")
    kafka_worker_password: SecretStr = Field(
        SecretStr(""), description="SASL password of the workers."
    )
    kafka_auditor_username: str = Field(
        "", description="SASL user who reads all topics: `log compare`, `doctor`; if another."
    )
    kafka_auditor_password: SecretStr = Field(
        SecretStr(""), description="SASL password of the auditor."
    )
    kafka_ssl_cafile: str = Field(
        "", description="File of certificates that your own Kafka is checked against."
    )
    kafka_ssl_certfile: str = Field(
        "", description="File of the certificate that we show your own Kafka, if it asks for one."
    )
    kafka_ssl_keyfile: str = Field("", description="File of that certificate's private key.")
    object_store_url: str = Field(
        "", description="Where audio is kept: s3://BUCKET[/PREFIX]; empty: the folder DATA/blobs."
    )
    object_store_endpoint: str = Field(
        "", description="Address of an S3-compatible store; empty: the provider's own."
    )
    object_store_region: str = Field("us-east-1", description="Region of the S3 bucket.")
    object_store_access_key: str = Field("", description="Access key of the S3 bucket.")
    object_store_secret_key: SecretStr = Field(
        SecretStr(""), description="Secret key of the S3 bucket."
    )
    mail_server: str = Field(
        "",
        description="SMTP server, HOST or HOST:PORT; empty: mails go to the mail double, which"
        " keeps them in DATA/outbox.",
    )
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How to speak to the SMTP server."
    )
    mail_username: str = Field("", description="User of the SMTP server; empty: no sign-in there.")
    mail_password: SecretStr = Field(SecretStr(""), description="Password of the SMTP server.")
    mail_from: str = Field("noculture@localhost", description="Sender of the mails.")
