"""One workspace's recordings as load: commands on them, and the same events ready to append."""

from __future__ import annotations

from aggregates import asset
from commands.unit import CommandContext, Commands
from events.audio import AudioFacts, Tags
from events.ids import AccountId, AssetId, CommandId, CorrelationId, WorkspaceId

FACTS = AudioFacts(
    duration_s=213.4, sample_rate_hz=44_100, channels=2, codec="flac", bitrate_bps=912_000
)


class Vault:
    """Single-event commands through the real unit of work, on assets that it made itself."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.workspace, self.musician = WorkspaceId.new(), AccountId.new()

    def context(self) -> CommandContext:
        return CommandContext(self.musician, self.workspace, CommandId.new(), CorrelationId.new())

    def add(self) -> AssetId:
        """One verified asset: two events and a claim."""
        asset_id = AssetId.new()
        unit = self._commands.unit(self.context(), input={"asset": asset_id})
        unit.start(
            asset,
            asset_id,
            asset.upload,
            asset_id=asset_id,
            workspace_id=self.workspace,
            uploaded_by=self.musician,
            filename="Night Drive (Remix).flac",
            sha256=asset_id[4:] * 2,
            size_bytes=24_336_112,
        )
        unit.change(
            asset, asset_id, asset.verify, asset_id=asset_id, tags=Tags(), audio=FACTS, cover=None
        )
        unit.commit()
        return asset_id

    def edit(self, asset_id: AssetId, number: int) -> int:
        """Change its tags as `PATCH /api/assets/…` does: one event. Answers its position."""
        changes = edited_tags(number)
        unit = self._commands.unit(self.context(), input=changes)
        unit.change(
            asset,
            asset_id,
            asset.edit_tags,
            asset_id=asset_id,
            edited_by=self.musician,
            changes=changes,
        )
        return unit.commit().position


def edited_tags(number: int) -> dict[str, object]:
    """What the musician says the `number`-th time; the title always differs from the last."""
    return {
        "title": f"Night Drive (Remix {number})",
        "artist": "Ada Vale",
        "year": 2019 + number % 7,
    }
