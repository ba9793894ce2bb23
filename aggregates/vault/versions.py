"""Rules of the versions of a song: what the musician says of one asset, in the asset's stream."""

from __future__ import annotations

from aggregates.decision import Decision
from aggregates.vault.asset import STORED_AS as STORED_AS
from aggregates.vault.asset import evolve as evolve
from aggregates.vault.asset_state import Asset, verified
from events.ids import AccountId, AssetId
from events.vault.asset import AssetCurrentChosen, AssetSongChosen


def choose_song(
    asset: Asset | None, asset_id: AssetId, *, chosen_by: AccountId, song: str | None
) -> Decision:
    """Put it among the versions of a song; None leaves that to its title and artist.

    Refuses AssetNotReady, AssetInTrash (409). The song that was chosen before changes nothing.
    """
    asset = verified(asset)
    if song == asset.song:
        return Decision()
    return Decision(
        AssetSongChosen(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            owner_id=asset.owner_id,
            chosen_by=chosen_by,
            song=song,
        )
    )


def choose_current(
    asset: Asset | None, asset_id: AssetId, *, chosen_by: AccountId, current: bool
) -> Decision:
    """Make it the current version of its song, or let another one take its place.

    Refuses AssetNotReady, AssetInTrash (409). Said again it is said anew: another version may have
    been made current in between, and whoever saw this one before that loses at its version.
    """
    asset = verified(asset)
    return Decision(
        AssetCurrentChosen(
            asset_id=asset_id,
            workspace_id=asset.workspace_id,
            chosen_by=chosen_by,
            current=current,
        )
    )
