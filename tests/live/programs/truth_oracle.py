"""Import a project, then say by own means what its live code is and what edited files would be.

Reads lines of JSON from standard input, each a list of [file, path of its edited text]; answers
each with a line of JSON. Shares nothing with instep: code objects are found by gc, and compared by
their attributes.
"""

import ast
import gc
import importlib
import json
import os
import sys
import types

import dis

RUNTIME_FLAGS = 0x100 | 0x2000000

IMMEDIATE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def typed(value):
    if isinstance(value, tuple):
        return ("tuple", tuple(map(typed, value)))
    if isinstance(value, frozenset):
        return ("frozenset", frozenset(map(typed, value)))
    if isinstance(value, slice):
        return ("slice", typed(value.start), typed(value.stop), typed(value.step))
    return (type(value).__name__, repr(value))


def is_body(code):
    return not code.co_flags & 3 and code.co_name != "<module>"


def instructions(code):
    """A class body without the number of its first line, which it keeps since 3.13."""
    found = []
    for each in dis.get_instructions(code):
        if each.opname in ("EXTENDED_ARG", "CACHE"):
            continue
        value = each.argval
        if isinstance(value, types.CodeType):
            value = ("code", value.co_name)
        elif each.opname in ("LOAD_CONST", "LOAD_SMALL_INT", "RETURN_CONST"):
            value = typed(value)
        if each.opname == "STORE_NAME" and each.argval == "__firstlineno__":
            found[-1] = None
        if each.opname == "STORE_NAME" and each.argval == "__static_attributes__":
            found[-1] = ("static", repr(sorted(map(repr, found[-1][1][1]))))
        if "JUMP" in each.opname or "FOR_ITER" in each.opname:
            value = None  # moves with the size of the line number
        found.append((each.opname, value))
    return tuple(found)


def own(code):
    """All of a code object but what is nested in it, and where it lies."""
    nested = isinstance_code
    if is_body(code) and sys.version_info >= (3, 13):
        logic = instructions(code)
    else:
        consts = tuple("code" if nested(one) else typed(one) for one in code.co_consts)
        logic = (code.co_code, consts)
    return (
        logic,
        code.co_names,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
        code.co_name,
        code.co_qualname,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & ~RUNTIME_FLAGS,
        code.co_exceptiontable,
    )


def isinstance_code(value):
    return isinstance(value, types.CodeType)


def form(code):
    return (own(code), tuple(form(one) for one in code.co_consts if isinstance_code(one)))


def where(code):
    inner = tuple(where(one) for one in code.co_consts if isinstance_code(one))
    return (code.co_firstlineno, code.co_linetable, inner)


def walk(code):
    yield code
    for one in code.co_consts:
        if isinstance_code(one):
            yield from walk(one)


def live_codes(folder):
    gc.collect()
    found = {}
    for one in gc.get_objects():
        if type(one) is types.FunctionType:
            code = one.__code__
            # A module body that is running has a function of its own since 3.13.
            if code.co_filename.startswith(folder) and code.co_name != "<module>":
                found.setdefault(code.co_filename, {})[id(code)] = code
    return {file: list(codes.values()) for file, codes in found.items()}


def compiled(file, path):
    with open(path, "rb") as source:
        return compile(source.read(), file, "exec", dont_inherit=True)


def meaning(path):
    """What a source says, without where (lines decide on instructions since 3.13), and does."""
    with open(path, "rb") as source:
        tree = ast.parse(source.read())
    said = hash(ast.dump(tree))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A docstring is the first; any other constant, and `pass`, does nothing.
            node.body = body[:1] + [one for one in body[1:] if not is_idle(one)]
    return said, hash(ast.dump(tree))


def is_idle(node):
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass)


def truth(file, path, lives, original, meant):
    try:
        new = compiled(file, path)
    except (SyntaxError, ValueError) as error:
        return {"broken": str(error)}
    forms = {}
    for code in walk(new):
        forms.setdefault(code.co_qualname, set()).add(form(code))
    changed, kept = [], []
    for code in lives:
        place = [code.co_qualname, code.co_firstlineno]
        (kept if form(code) in forms.get(code.co_qualname, ()) else changed).append(place)
    bodies = [[own(one) for one in walk(top) if runs_at_import(one)] for top in (original, new)]
    placed = where(original) == where(new)
    said, done = meaning(path)
    if said == meant[0]:
        changed, kept = [], kept + changed
        new, bodies = original, [[], []]
    return {
        "changed": changed,
        "kept": kept,
        "same": form(original) == form(new),
        "idle": done == meant[1],
        "placed": placed,
        "bodies": bodies[0] == bodies[1],
        "orphaned": [name for name, _ in changed if name not in forms],
    }


def runs_at_import(code):
    """Whether code is a module's or class's body, or runs where it stands in one, as it may."""
    return not code.co_flags & 2 or code.co_name in IMMEDIATE


def load(names):
    loaded, failed = [], {}
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            failed[name] = repr(error)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(PROJECT) and file.endswith(".py"):
            loaded.append([name, file])
    return loaded, failed


def main():
    # What imported modules print goes elsewhere.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    names = json.loads(sys.stdin.readline())
    if any(name.partition(".")[0] == "django" for name in names):
        from django.conf import settings

        settings.configure(INSTALLED_APPS=["django.contrib.contenttypes"])
        import django

        django.setup()
    loaded, failed = load(names)
    originals = {file: (compiled(file, file), meaning(file)) for _, file in loaded}
    lives = live_codes(PROJECT)
    print(json.dumps({"loaded": loaded, "failed": failed}), file=answers, flush=True)
    for line in sys.stdin:
        truths = [
            truth(file, path, lives.get(file, []), *originals[file])
            for file, path in json.loads(line)
        ]
        print(json.dumps(truths), file=answers, flush=True)


PROJECT = sys.argv[1] + "/"
sys.path.insert(0, sys.argv[1])
main()
