"""Write your fork's address into every notebook and the README, once, so that the notebooks open and run in Colab.

    python notebooks/set_address.py you/bach
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from utils import files

ADDRESS = re.compile(r"(?:(?:https?://)?(?:www\.)?github\.com/)?([a-z\d][a-z\d-]{0,38})/([\w.-]{1,100})/?", re.A | re.I)
REPO = re.compile(r'(REPO = \\")[^"\\]*(\\")')  # in the setup cell, as JSON quotes it
BADGE = re.compile(r"(colab\.research\.google\.com/github/)[\w.-]+/[\w.-]+(/blob/)")


def parse(address):
    """Read "you/bach" or "https://github.com/you/bach" as "you/bach".

    Raises: ValueError for anything else.
    """
    match = ADDRESS.fullmatch(address.strip())
    name = match[2].removesuffix(".git") if match else ""
    if not name.strip("."):
        raise ValueError(f"{address!r} is no repository's address: write it as you/bach or https://github.com/you/bach")
    return f"{match[1]}/{name}"


def write(root, address):
    """Write the address into the setup cells and the badges of all notebooks, and into the badges of the README.

    Nothing else in the files changes.

    Args: root: of the repository. address: str, as for `parse`.
    Returns: list of the files that changed.
    Raises: ValueError for a wrong address, or a notebook without a setup cell; then nothing is written.
    """
    repository, changed = parse(address), {}
    for path in [*sorted((Path(root) / "notebooks").glob("*.ipynb")), Path(root) / "README.md"]:
        old = path.read_bytes().decode()  # line ends stay as they are
        new, count = REPO.subn(rf"\g<1>https://github.com/{repository}\2", old)
        if path.suffix == ".ipynb" and count != 1:
            raise ValueError(f"{path} has {count} lines that set REPO, not one: restore its first code cell with git")
        new = BADGE.sub(rf"\g<1>{repository}\2", new)
        if new != old:
            changed[path] = new
    for path, text in changed.items():
        with files.whole(path) as temporary:
            temporary.write_bytes(text.encode())
    return list(changed)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    try:
        changed = write(ROOT, sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    print(f"{parse(sys.argv[1])}: written to {', '.join(path.name for path in changed) or 'no file, nothing is new'}")


if __name__ == "__main__":
    main()
