"""systemd's own opinion of the units."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.faults.installation import ROOT


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """With stand-ins for what only the target machine has."""
    analyze = shutil.which("systemd-analyze")
    assert analyze, "install systemd: apt-get install systemd"
    for unit in (ROOT / "deploy" / "systemd").glob("latchkey*"):
        text = re.sub(r"/opt/latchkey/current/\.venv/bin/python", "/bin/true", unit.read_text())
        if unit.suffix in {".service", ".target"}:
            for instance in ("1", "8000", "8001") if "@" in unit.name else ("",):
                (tmp_path / unit.name.replace("@", f"@{instance}")).write_text(text)

    done = subprocess.run(
        [analyze, "verify", *sorted(tmp_path.iterdir())],
        check=False,
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )

    assert (done.returncode, done.stderr) == (0, "")
