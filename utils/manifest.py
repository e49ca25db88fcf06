"""Every shipped file with its checksum, and the run, seed, versions and notebook cell that made it."""

import ast
import hashlib
import json
import re
from pathlib import Path

from utils import files

NAME = "MANIFEST.json"
PACKAGES = "numpy", "keras", "tensorflow"  # whose versions are told where a run has no config of its own
LITERAL = 3  # characters of a run's name that a cell must say itself


def describe(root):
    """Describe all that is shipped under outputs/.

    Args: root: of the repository.
    Returns: dict of run -> dict: seed; versions, package -> version, from the run's config or else from constraints.txt;
        files, name -> dict of sha256 and cell, such as "04_gan 7", the number that stands before the code cell, or None
        where no notebook names it.
    Notebook: 05, "Results".
    """
    root, found = Path(root), {}
    notebooks = {path.stem: _patterns(path) for path in sorted((root / "notebooks").glob("*.ipynb"))}
    constraints = (root / "constraints.txt").read_text(encoding="utf-8").split()
    pinned = dict(line.split("==") for line in constraints if "==" in line)
    for (run, name), path in shipped(root).items():
        if run not in found:
            config = path.parent / "config.json"
            known = json.loads(config.read_text(encoding="utf-8")) if run and config.is_file() else {}
            found[run] = {"seed": known.get("seed", 1),
                          "versions": known.get("versions", {name: pinned[name] for name in PACKAGES}), "files": {}}
        found[run]["files"][name] = {"sha256": _sha256(path), "cell": _cell(run, path, notebooks)}
    return found


def shipped(root):
    """Find the files under outputs/ that are not a reader's own: dict of (run or "", name) -> Path, the manifest left out."""
    outputs = Path(root) / "outputs"
    paths = sorted(path for path in outputs.rglob("*") if path.is_file() and path.name != NAME
                   and outputs / "local" not in path.parents and not path.name.startswith("."))
    return {("" if path.parent == outputs else path.parent.name, path.name): path for path in paths}


def write(root):
    """Write what `describe` finds to outputs/MANIFEST.json, whole or not at all."""
    with files.whole(Path(root) / "outputs" / NAME) as temporary:
        temporary.write_text(json.dumps(describe(root), indent=1) + "\n", encoding="utf-8")


def check(root):
    """Compare outputs/ with its manifest.

    Args: root: of the repository.
    Returns: list of str, a line for each file that is missing, was changed, or is not named; empty where all is well.
    Raises: ValueError without a manifest.
    """
    path = Path(root) / "outputs" / NAME
    if not path.is_file():
        raise ValueError(f"{path} is missing: take it back with `git checkout {path}`, or write it with `make release`")
    named = {(run, name): entry["sha256"] for run, about in json.loads(path.read_text(encoding="utf-8")).items()
             for name, entry in about["files"].items()}
    there = shipped(root)
    complaints = [f"{'/'.join(filter(None, key))} is missing" for key in named if key not in there]
    for key, each in there.items():
        if key not in named:
            complaints.append(f"{'/'.join(filter(None, key))} is not in the manifest")
        elif _sha256(each) != named[key]:
            complaints.append(f"{'/'.join(filter(None, key))} is not what the manifest says")
    return complaints


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _patterns(path):
    """For each code cell the strings in it: how much each says itself, and a regular expression, anything filled in."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    found = []
    for cell in cells:
        tree = ast.parse("".join(cell["source"]))
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        parts = [node.values if isinstance(node, ast.JoinedStr) else [node] for node in ast.walk(tree)
                 if isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str)
                 and id(node) not in inner]
        literal = [[part.value if isinstance(part, ast.Constant) else None for part in each] for each in parts]
        found.append([(sum(map(len, filter(None, each))),
                       re.compile("".join(".+" if part is None else re.escape(part) for part in each)))
                      for each in literal if any(each)])
    return found


def _cell(run, path, notebooks):
    """The cell that made a file: in the first notebook that names its run, the one that names it best, or else the run."""
    for stem, cells in notebooks.items():
        first = next((number for number, strings in enumerate(cells, 1) if _likeness(strings, run) >= LITERAL), None)
        if run and first:
            names = {number: max(_likeness(strings, path.name) - len(path.suffix) + 0.5, _likeness(strings, path.stem))
                     for number, strings in enumerate(cells, 1) if number >= first}
            best = max(names, key=names.get)
            return f"{stem} {best if names[best] >= 1 else first}"
    return None


def _likeness(strings, text):
    """How many characters of a text the best matching of a cell's strings says itself."""
    return max((weight for weight, pattern in strings if pattern.fullmatch(text)), default=0)
