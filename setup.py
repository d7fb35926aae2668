"""What pyproject.toml cannot say: a wheel holds settings.py, models/ and the demo model in mer/shipped/."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


class BuildPy(build_py):
    """Copies what `mer.shipped` looks for; an editable install looks for it in the repository itself."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for path in [ROOT / "settings.py", *sorted((ROOT / "models").glob("*.py"))]:
                target = Path(self.build_lib, "mer", "shipped", path.relative_to(ROOT))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


setup(cmdclass={"build_py": BuildPy})
