"""What has been recorded so far: of the evidence, and in all of `data/runs`."""

import json
from collections.abc import Sequence
from pathlib import Path

from .parts import Part, Piece


def evidence(rows: Sequence[tuple[Part, Sequence[Piece], dict]]) -> str:
    """Return a line a part: how much is recorded, on which device, what failed."""
    lines = [f"{'part':14} {'recorded':>9}  {'device':34} precision"]
    for part, pieces, content in rows:
        keys = [piece.key for piece in pieces]
        done = sum(key in content.get("done", ()) for key in keys)
        begun = content.get("done") or content.get("failed")
        device = content["device"] if begun else "not begun"
        lines.append(
            f"{part.name:14} {done:>3} of {len(keys):>2}  {device:34} "
            f"{content.get('precision', '')}"
        )
        lines += [f"  {key}: {why}" for key, why in content.get("failed", {}).items()]
    return "\n".join(lines)


def trained(folder: Path) -> str:
    """Return a line for each trained network of each record: passes, seeds, errors."""
    lines = [f"{'network':36} {'passes':>6}  {'seeds':10} {'test error, %':16} record"]
    for file in sorted(folder.glob("*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        for name, entries in record.get("results", {}).items():
            if isinstance(entries, dict):
                entries = entries.get("runs", entries.get("seeds", []))
            if not entries or "train_error" not in entries[0]:
                continue
            errors = [_last(entry["test_error"]) for entry in entries]
            seeds = " ".join(str(entry["seed"]) for entry in entries)
            passes = len(entries[0]["train_error"])
            shown = f"{min(errors):.2f}"
            if len(errors) > 1:
                shown += f" to {max(errors):.2f}"
            lines.append(
                f"{name:36} {passes:>6}  {seeds:10} {shown:16} {file.stem}, "
                f"{record['device']}, {record.get('precision', 'no')}"
            )
    return "\n".join(lines)


def _last(error: float | list[float]) -> float:
    return error[-1] if isinstance(error, list) else error
