"""One Protocol per capability of the outside world; adapters live beside, composition picks one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from gateways.objects.s3_presign import PresignedPut


class ObjectStore(Protocol):
    """Content-addressed bytes under `<workspace>/<sha256>`; never shared between workspaces.

    `staging` is a local folder for files on their way in.
    """

    staging: Path

    def writing(self, workspace_id: str) -> AbstractContextManager[None]:
        """Held while something of the workspace is written; the writers here hold it themselves.

        A guarded store raises SubjectGone (410) once the erasure of the workspace was asked for.
        """
        ...

    def emptying(self, workspace_id: str) -> AbstractContextManager[None]:
        """Held while the workspace is emptied: nobody writes meanwhile."""
        ...

    def staged(self, kind: str, workspace_id: str) -> Path:
        """A new name in the staging folder that says whose file it is, should it be left there."""
        ...

    def put_file(self, workspace_id: str, sha256: str, source: Path) -> None:
        """Move or copy a finished local file in; the same content twice is no error."""
        ...

    def put_bytes(self, workspace_id: str, sha256: str, data: bytes) -> None: ...

    def size(self, workspace_id: str, sha256: str) -> int | None:
        """Bytes, None if absent."""
        ...

    def read_range(
        self, workspace_id: str, sha256: str, start: int, length: int
    ) -> Iterator[bytes]:
        """Chunks of at most 256 KiB. Raises BlobNotFound."""
        ...

    def read(self, workspace_id: str, sha256: str) -> bytes: ...

    def local_copy(self, workspace_id: str, sha256: str) -> LocalCopy:
        """A context manager giving a local path for tools that need a file.

        Temporary unless the store is local.
        """
        ...

    def delete(self, workspace_id: str, sha256: str) -> None: ...

    @property
    def takes_puts(self) -> bool:
        """Whether others may send objects straight here, by `presign_put`."""
        ...

    def presign_put(
        self, workspace_id: str, name: str, *, sha256: str, size_bytes: int, expires_s: int
    ) -> PresignedPut:
        """Where one PUT of exactly these bytes may be sent; `name` is the upload's id."""
        ...

    def take_in(self, workspace_id: str, name: str, sha256: str, size_bytes: int) -> None:
        """What was sent under `name` is a blob now. Raises NotArrived (409), NotAsPromised (422).

        The content is read and hashed: not every store checks what it was told.
        """
        ...

    def drop_put(self, workspace_id: str, name: str) -> None:
        """Forget what was sent, if anything."""
        ...

    def delete_workspace(self, workspace_id: str) -> int:
        """Everything of it, and what it has in staging; answers how many blobs there were."""
        ...


LocalCopy = AbstractContextManager[Path]


class AudioTools(Protocol):
    """Everything that parses foreign bytes, done in limited child processes (`gateways/audio`)."""

    def probe(self, path: Path) -> Any:
        """`gateways.audio.facts.Probe`"""
        ...

    def render(self, path: Path, sink: Callable[[bytes], object]) -> Any:
        """A copy that browsers play, in chunks to `sink`; `gateways.audio.facts.Rendition`"""
        ...

    def rewrite(self, path: Path, changes: dict[str, Any], sink: Callable[[bytes], object]) -> Any:
        """The file with other tags, in chunks to `sink`; `gateways.audio.facts.Rewritten`"""
        ...

    def analyse(self, path: Path) -> Any:
        """`gateways.audio.facts.Analysis`: the measurement and the peaks' bytes"""
        ...


class Mailer(Protocol):
    def send(self, to: str, subject: str, text: str) -> None: ...

    def forget(self, address: str) -> None:
        """Delete what is kept here of mails to this address."""
        ...


class TextEmbedder(Protocol):
    """Texts as unit vectors; those of one `model` may be compared, by cosine."""

    model: str
    dimensions: int

    def load(self) -> None:
        """Opens every file that is needed later. Raises NoTextModel."""
        ...

    def embed(self, texts: Sequence[str]) -> Any:
        """numpy float32 (len(texts), dimensions). Raises NoTextModel."""
        ...
