"""The house: five rooms and two files, who may import whom, and how large a module and a function may be."""

import ast
import importlib
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UTILS = ROOT / "utils"
MODULES = sorted(path for path in UTILS.rglob("*.py") if path.stem != "__init__")
PACKAGES = sorted(UTILS.rglob("__init__.py"))

MAY_IMPORT = {  # room: rooms, or files of utils itself; within a room any module may import another
    "utils": {"files", "runs"},
    "music": {"files", "music"},
    "sound": {"files", "music", "sound"},
    "nets": {"files", "runs", "music", "nets"},  # no sound: a network takes arrays
    "measure": {"files", "runs", "music", "nets", "measure"},
    "show": {"files", "runs", "music", "sound", "show"},
}
OTHERS = {  # what a module may import that is not ours; NumPy and the standard library are free to all
    "runs": "h5py", "midi": "mido", "notation": "music21", "corpus": "music21 tqdm", "data": "tqdm",
    "audio": "scipy soundfile midirenderer", "recordings": "tqdm", "hearing": "scipy", "code_baselines": "scipy tqdm",
    "infill_numpy": "threadpoolctl", "queues": "tqdm", "queues_numba": "numba",
    "gan": "tensorflow",  # Keras: from nets/backend alone
    "metrics": "scipy", "variety": "scipy", "phrases": "scipy", "critic": "sklearn", "gan_sweep": "scipy tqdm",
    "timbre": "scipy sklearn",
    "plots": "matplotlib", "table": "pandas", "score": "verovio", "player": "IPython", "edition": "resvg_py",
    "diagrams": "IPython", "ear": "scipy", "pages": "jinja2 markupsafe",
}
WITH_KERAS = {"nets", "critic", "timbre"}  # a room, and modules of another one
NETWORK_AND_PICKLE = "socket ssl http urllib.request ftplib requests httpx pickle shelve marshal dill joblib".split()

MODULE_LINES, FUNCTION_LINES, ARGUMENTS, CODE_LINES = 300, 45, 12, 8_031
EXCEPTIONS = {  # what may be larger, and why
    "show/plots": "a notebook imports one module for all its figures",
    "music/midi": "reader, writer and roll share one set of limits and checks",
    "nets/gan": "the trainer and what it is asked to do are read together",
    "queues_numba.run": "one loop that Numba compiles: a call for each part would cost speed",
    "wavenet.build": "the network from top to bottom on one screen",
    "wavenet.fit": "hyperparameters, all but four with defaults",
    "gan.Trainer.__init__": "hyperparameters, all but five with defaults",
}


def by_name(path):
    return path.relative_to(UTILS).with_suffix("").as_posix()


def room(path):
    return path.parent.name


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Dotted names of all that a file imports, wherever in it; `from utils import midi` is utils.midi."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write `from utils import ...`, not a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(path):
    """(name, node) of each function, methods as class.method."""
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef):
            yield f"{path.stem}.{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{path.stem}.{node.name}.{each.name}", each) for each in node.body
                        if isinstance(each, ast.FunctionDef))


def num_arguments(function):
    names = [argument.arg for argument in function.args.args + function.args.kwonlyargs]
    return len(names) - (names[:1] == ["self"])


def code_lines(path):
    """Count the lines that hold code: no docstring, no comment, no blank."""
    source, documentation = path.read_text(encoding="utf-8"), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            documentation |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for token in tokens if token.type not in silent for line in range(token.start[0], token.end[0] + 1)}
    return len(lines - documentation)


# ---------------------------------------------------------------------------------------------- who imports whom


def test_the_rooms_are_those_that_the_rules_name():
    assert {room(path) for path in MODULES} == set(MAY_IMPORT)
    assert {path.stem for path in MODULES if room(path) == "utils"} == {"files", "runs"}


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_a_module_imports_only_what_its_room_allows(path):
    theirs = set(OTHERS.get(path.stem, "").split()) | {"numpy"} | sys.stdlib_module_names
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package == "utils":
            assert rest.split(".")[0] in MAY_IMPORT[room(path)], f"{by_name(path)} must not import {name}"
            if rest.startswith("nets.backend"):
                assert WITH_KERAS & {room(path), path.stem}, f"{by_name(path)} must not import Keras"
        else:
            assert package in theirs, f"{by_name(path)} must not import {package}"


@pytest.mark.parametrize("path", PACKAGES, ids=by_name)
def test_a_room_itself_is_one_docstring(path):
    body = tree(path).body
    assert len(body) == 1 and ast.get_docstring(tree(path))


def test_modules_import_each_other_without_a_circle():
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in MODULES}
    needs = {name: {known for found in imports(path) for known in names if f"{found}.".startswith(f"{known}.")}
             for name, path in names.items()}
    while needs:
        free = [name for name, needed in needs.items() if not needed & needs.keys()]
        assert free, f"these import each other: {', '.join(needs)}"
        for name in free:
            del needs[name]


def test_music_sound_and_show_load_without_keras():
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES
             if room(path) in ("utils", "music", "sound", "show")]
    code = f"import sys, {', '.join(names)}; print(*{{'keras', 'tensorflow', 'jax'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stderr


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_every_module_has_its_tests_in_the_same_room(path):
    folder = ROOT / "tests" / ("" if room(path) == "utils" else room(path))
    assert (folder / f"test_{path.name}").is_file()


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_no_module_reaches_for_the_network_for_pickles_or_for_eval(path):
    assert not [name for name in imports(path) for banned in NETWORK_AND_PICKLE if f"{name}.".startswith(f"{banned}.")]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")), f"line {node.lineno}"
            assert "allow_pickle" not in [keyword.arg for keyword in node.keywords], f"line {node.lineno}"


# ---------------------------------------------------------------------------------------------- sizes


def test_modules_and_functions_keep_to_their_sizes_or_have_a_reason():
    large = {by_name(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > MODULE_LINES}
    large |= {name for path in MODULES for name, node in functions(path)
              if node.end_lineno - node.lineno + 1 > FUNCTION_LINES or num_arguments(node) > ARGUMENTS}
    assert large == set(EXCEPTIONS), "cut what is not in EXCEPTIONS; remove from it what has become small"


def test_utils_stays_small():
    assert sum(map(code_lines, MODULES)) <= CODE_LINES


def test_a_line_of_code_is_no_docstring_no_comment_and_no_blank(tmp_path):
    path = tmp_path / "a.py"
    path.write_text('"""Two\nlines."""\n\nimport os  # one\n\n\n'
                    'def f(a,\n      b):\n    """None."""\n    # none\n    return a\n')
    assert code_lines(path) == 4
    (_, function), = functions(path)
    assert num_arguments(function) == 2


def test_constants_of_one_name_have_one_value():
    values = {}
    for path in MODULES:
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in tree(path).body:
            for target in node.targets if isinstance(node, ast.Assign) else ():
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name) and name.id.isupper() and not name.id.startswith("_"):
                        value = getattr(module, name.id)
                        value = float(value) if isinstance(value, (int, float)) else repr(value)  # 120 is 120.0
                        values.setdefault(name.id, {})[path.stem] = value
    assert not {name: found for name, found in values.items() if len(set(found.values())) > 1}
