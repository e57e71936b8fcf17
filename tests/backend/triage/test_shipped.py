import os
import subprocess
import sys
from pathlib import Path

from backend.triage import shipped

TEXTS = (("路灯坏了{}盏", "lamp"), ("垃圾没人收{}天", "waste"))
EXAMPLES = [(text.format(number), label) for text, label in TEXTS for number in range(12)]


def test_a_model_is_trained_without_the_libraries_staying_and_read_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "models" / "two.npz"
    path.parent.mkdir()
    script = (
        "import sys; from pathlib import Path; from backend.triage import shipped\n"
        "if __name__ == '__main__':\n"
        f"    model = shipped.load(Path({str(path)!r}), {EXAMPLES!r})\n"
        "    assert model.rank(('路灯坏了',))[0][0] == 'lamp'\n"
        "    assert 'sklearn' not in sys.modules, 'training stayed in this process'\n"
    )
    (tmp_path / "asks.py").write_text(script, encoding="utf-8")
    root = Path(shipped.__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    written = set()
    for _ in range(2):
        subprocess.run([sys.executable, str(tmp_path / "asks.py")], check=True, cwd=root, env=environment, timeout=120)
        written.add(path.stat().st_mtime_ns)
    assert len(written) == 1
