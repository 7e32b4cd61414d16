"""``harness bundle RUN``: a run as one file that may be passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.bundle.making import make_bundle
from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.exit_codes import ExitCode
from harness.paths import shown_path


@dataclass(frozen=True, kw_only=True)
class Bundle(Command):
    """Packs records, plans, identities without serial numbers, digests and the report; the result is the file's path.

    ``harness report``, ``compare``, ``export`` and ``history add`` take it as they take a run directory.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {ExitCode.INFRASTRUCTURE: "it could not be written, or not be signed"}
    examples: ClassVar[Examples] = (
        ("harness bundle runs/latest", "one file in the current folder, to be passed on"),
        ("harness bundle runs/latest --out run.zip --sign ~/.ssh/id_ed25519", "signed by that key"),
        ("harness report run.zip --allowed-signers signers", "what somebody else makes of it"),
    )

    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.", autocompletion=complete.runs)]
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Instead of <run>.zip in the current folder.")
    ] = None
    key: Annotated[
        Path | None, typer.Option("--sign", metavar="KEY", help="Sign it with that SSH key, by ssh-keygen -Y.")
    ] = None

    def __call__(self) -> Outcome:
        made = make_bundle(self.run, self.out, self.key)
        for remark in made.remarks:
            say(remark)
        value = {
            "run": made.manifest.run,
            "status": made.manifest.status,
            "out": str(made.out.resolve()),
            "bytes": made.size,
            "signed": made.is_signed,
            "sha256": dict(made.sums),
        }
        return Outcome(lines=(shown_path(made.out),), value=value)


COMMAND = Bundle
