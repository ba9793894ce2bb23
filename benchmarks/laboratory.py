"""Single-event commands as load: one recording after another is sent to be measured, in vain."""

from __future__ import annotations

from aggregates.vault import analysis
from commands.unit import CommandContext, Commands
from events.ids import AnalysisId, AssetId, CommandId, CorrelationId, WorkspaceId

CODE, REASON = "timed-out", "The analysis did not finish in time."
SHA256 = "5f" * 32


class Laboratory:
    """Commands through the real unit of work. Nothing in them is personal: ciphers are not what
    is measured.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.workspace = WorkspaceId.new()

    def open(self) -> AnalysisId:
        """A stream that was never asked for anything."""
        return AnalysisId.new()

    def step(self, analysis_id: AnalysisId, number: int) -> int:
        """The stream's `number`-th command, from 0: asked for, failed, asked for again, …

        Answers the position of its one event.
        """
        attempt = number // 2 + 1
        context = CommandContext(None, self.workspace, CommandId.new(), CorrelationId.new())
        if number % 2 == 0:
            unit = self._commands.unit(context, input={"analysis_id": analysis_id})
            unit.change(
                analysis,
                analysis_id,
                analysis.request,
                asset_id=AssetId.beside(analysis_id),
                workspace_id=self.workspace,
                sha256=SHA256,
            )
        else:
            unit = self._commands.unit(
                context, input={"analysis_id": analysis_id, "attempt": attempt, "code": CODE}
            )
            unit.change(
                analysis,
                analysis_id,
                analysis.fail_attempt,
                attempt=attempt,
                code=CODE,
                reason=REASON,
            )
        return unit.commit().position
