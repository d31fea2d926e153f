"""Which offsets instep wants, as C expressions, and where ``_Py_DebugOffsets`` repeats them.

A line of a table is ``name = C expression``; a heading ``[3.12-3.14]`` says which minor versions
the lines below it hold for. Most structures are in CPython's own headers (``Include/``,
``Include/internal/``); those that live in a ``.c`` file are numbers, with their source.
"""

from __future__ import annotations

import re

Version = tuple[int, int]

OLDEST: Version = (3, 11)
NEWEST: Version = (3, 99)

OFFSETS = """
[all]
runtime.interpreters_head = offsetof(_PyRuntimeState, interpreters.head)
interp.next = offsetof(PyInterpreterState, next)
interp.id = offsetof(PyInterpreterState, id)
interp.threads_head = offsetof(PyInterpreterState, threads.head)
interp.sysdict = offsetof(PyInterpreterState, sysdict)
interp.optimization_level = offsetof(PyInterpreterState, config.optimization_level)
interp.code_debug_ranges = offsetof(PyInterpreterState, config.code_debug_ranges)
thread.next = offsetof(PyThreadState, next)
thread.native_thread_id = offsetof(PyThreadState, native_thread_id)
frame.previous = offsetof(FRAME, previous)
frame.owner = offsetof(FRAME, owner)
frame.f_globals = offsetof(FRAME, f_globals)
frame.size_to_localsplus = offsetof(FRAME, localsplus)
[3.11-3.11]
interp.sys_modules = offsetof(PyInterpreterState, modules)
frame.code = offsetof(FRAME, f_code)
[3.12-3.12]
frame.code = offsetof(FRAME, f_code)
[3.12-]
interp.sys_modules = offsetof(PyInterpreterState, imports.modules)
[3.11-3.12]
thread.cframe = offsetof(PyThreadState, cframe)
cframe.current_frame = offsetof(_PyCFrame, current_frame)
frame.prev_instr = offsetof(FRAME, prev_instr)
[3.11-3.13]
frame.stacktop = offsetof(FRAME, stacktop)
[3.13-]
thread.current_frame = offsetof(PyThreadState, current_frame)
frame.code = offsetof(FRAME, f_executable)
frame.instr_ptr = offsetof(FRAME, instr_ptr)
[3.14-]
frame.stackpointer = offsetof(FRAME, stackpointer)

[all]
object.refcnt = offsetof(PyObject, ob_refcnt)
object.type = offsetof(PyObject, ob_type)
var.size = offsetof(PyVarObject, ob_size)
function.globals = offsetof(PyFunctionObject, func_globals)
function.builtins = offsetof(PyFunctionObject, func_builtins)
function.name = offsetof(PyFunctionObject, func_name)
function.qualname = offsetof(PyFunctionObject, func_qualname)
function.code = offsetof(PyFunctionObject, func_code)
function.defaults = offsetof(PyFunctionObject, func_defaults)
function.kwdefaults = offsetof(PyFunctionObject, func_kwdefaults)
function.doc = offsetof(PyFunctionObject, func_doc)
function.closure = offsetof(PyFunctionObject, func_closure)
function.dict = offsetof(PyFunctionObject, func_dict)
function.module = offsetof(PyFunctionObject, func_module)
function.size = sizeof(PyFunctionObject)

code.consts = offsetof(PyCodeObject, co_consts)
code.names = offsetof(PyCodeObject, co_names)
code.exceptiontable = offsetof(PyCodeObject, co_exceptiontable)
code.flags = offsetof(PyCodeObject, co_flags)
code.argcount = offsetof(PyCodeObject, co_argcount)
code.posonlyargcount = offsetof(PyCodeObject, co_posonlyargcount)
code.kwonlyargcount = offsetof(PyCodeObject, co_kwonlyargcount)
code.stacksize = offsetof(PyCodeObject, co_stacksize)
code.firstlineno = offsetof(PyCodeObject, co_firstlineno)
code.nlocalsplus = offsetof(PyCodeObject, co_nlocalsplus)
code.localsplusnames = offsetof(PyCodeObject, co_localsplusnames)
code.localspluskinds = offsetof(PyCodeObject, co_localspluskinds)
code.filename = offsetof(PyCodeObject, co_filename)
code.name = offsetof(PyCodeObject, co_name)
code.qualname = offsetof(PyCodeObject, co_qualname)
code.linetable = offsetof(PyCodeObject, co_linetable)
code.code_adaptive = offsetof(PyCodeObject, co_code_adaptive)
[3.12-]
code.monitoring = offsetof(PyCodeObject, _co_monitoring)
monitoring.tools = offsetof(_PyCoMonitoringData, tools)
monitoring.lines = offsetof(_PyCoMonitoringData, lines)
monitoring.line_tools = offsetof(_PyCoMonitoringData, line_tools)
monitoring.per_instruction_opcodes = offsetof(_PyCoMonitoringData, per_instruction_opcodes)
monitoring.per_instruction_tools = offsetof(_PyCoMonitoringData, per_instruction_tools)
[3.13-]
code.executors = offsetof(PyCodeObject, co_executors)
executorarray.size = offsetof(_PyExecutorArray, size)
executorarray.capacity = offsetof(_PyExecutorArray, capacity)
executorarray.executors = offsetof(_PyExecutorArray, executors)
executor.opcode = offsetof(_PyExecutorObject, vm_data.opcode)
executor.oparg = offsetof(_PyExecutorObject, vm_data.oparg)

[all]
module.dict = offsetof(PyModuleObject, md_dict)
dict.used = offsetof(PyDictObject, ma_used)
dict.keys = offsetof(PyDictObject, ma_keys)
dict.values = offsetof(PyDictObject, ma_values)
dictkeys.log2_size = offsetof(struct _dictkeysobject, dk_log2_size)
dictkeys.log2_index_bytes = offsetof(struct _dictkeysobject, dk_log2_index_bytes)
dictkeys.kind = offsetof(struct _dictkeysobject, dk_kind)
dictkeys.usable = offsetof(struct _dictkeysobject, dk_usable)
dictkeys.nentries = offsetof(struct _dictkeysobject, dk_nentries)
dictkeys.indices = offsetof(struct _dictkeysobject, dk_indices)
dictvalues.header = offsetof(struct _dictvalues, values)
tuple.items = offsetof(PyTupleObject, ob_item)
list.items = offsetof(PyListObject, ob_item)
list.allocated = offsetof(PyListObject, allocated)
bytes.data = offsetof(PyBytesObject, ob_sval)
unicode.length = offsetof(PyASCIIObject, length)
unicode.state = offsetof(PyASCIIObject, state)
unicode.ascii_data = sizeof(PyASCIIObject)
unicode.compact_data = sizeof(PyCompactUnicodeObject)
unicode.utf8 = offsetof(PyCompactUnicodeObject, utf8)
[3.11-3.11]
long.digits = offsetof(PyLongObject, ob_digit)
[3.12-]
long.tag = offsetof(PyLongObject, long_value.lv_tag)
long.digits = offsetof(PyLongObject, long_value.ob_digit)
[all]
float.value = offsetof(PyFloatObject, ob_fval)
complex.value = offsetof(PyComplexObject, cval)
set.fill = offsetof(PySetObject, fill)
set.used = offsetof(PySetObject, used)
set.mask = offsetof(PySetObject, mask)
set.table = offsetof(PySetObject, table)
setentry.size = sizeof(setentry)
slice.start = offsetof(PySliceObject, start)
slice.stop = offsetof(PySliceObject, stop)
slice.step = offsetof(PySliceObject, step)
cell.ref = offsetof(PyCellObject, ob_ref)
method.func = offsetof(PyMethodObject, im_func)
method.self = offsetof(PyMethodObject, im_self)
descr.type = offsetof(PyDescrObject, d_type)
descr.name = offsetof(PyDescrObject, d_name)

# Objects/descrobject.c has propertyobject to itself in 3.11; a header has it from 3.12 on.
[3.11-3.11]
property.get = 16
property.set = 24
property.del = 32
[3.12-]
property.get = offsetof(propertyobject, prop_get)
property.set = offsetof(propertyobject, prop_set)
property.del = offsetof(propertyobject, prop_del)
# Objects/funcobject.c: classmethod and staticmethod begin with PyObject_HEAD and their callable.
[all]
classmethod.callable = 16
staticmethod.callable = 16

type.name = offsetof(PyTypeObject, tp_name)
type.basicsize = offsetof(PyTypeObject, tp_basicsize)
type.itemsize = offsetof(PyTypeObject, tp_itemsize)
type.flags = offsetof(PyTypeObject, tp_flags)
type.doc = offsetof(PyTypeObject, tp_doc)
type.dict = offsetof(PyTypeObject, tp_dict)
type.base = offsetof(PyTypeObject, tp_base)
type.bases = offsetof(PyTypeObject, tp_bases)
type.mro = offsetof(PyTypeObject, tp_mro)
type.subclasses = offsetof(PyTypeObject, tp_subclasses)
heaptype.name = offsetof(PyHeapTypeObject, ht_name)
heaptype.slots = offsetof(PyHeapTypeObject, ht_slots)
heaptype.qualname = offsetof(PyHeapTypeObject, ht_qualname)
heaptype.cached_keys = offsetof(PyHeapTypeObject, ht_cached_keys)
heaptype.module = offsetof(PyHeapTypeObject, ht_module)
heaptype.size = sizeof(PyHeapTypeObject)
generator.name = offsetof(PyGenObject, gi_name)
generator.qualname = offsetof(PyGenObject, gi_qualname)
generator.frame_state = offsetof(PyGenObject, gi_frame_state)
generator.iframe = offsetof(PyGenObject, gi_iframe)

# Not offsets but enumerators (generator.frame_state and frame.owner hold them): their numbers
# moved, 3.15 counts the states from 0 and has no "completed", and owner 3 changed its meaning.
framestate.created = FRAME_CREATED
framestate.suspended = FRAME_SUSPENDED
framestate.executing = FRAME_EXECUTING
framestate.cleared = FRAME_CLEARED
frameowner.thread = FRAME_OWNED_BY_THREAD
frameowner.generator = FRAME_OWNED_BY_GENERATOR
frameowner.frame_object = FRAME_OWNED_BY_FRAME_OBJECT
[3.13-]
framestate.suspended_yield_from = FRAME_SUSPENDED_YIELD_FROM
[3.15-]
framestate.suspended_yield_from_locked = FRAME_SUSPENDED_YIELD_FROM_LOCKED
[3.11-3.14]
framestate.completed = FRAME_COMPLETED
[3.12-3.14]
frameowner.cstack = FRAME_OWNED_BY_CSTACK
[3.14-]
frameowner.interpreter = FRAME_OWNED_BY_INTERPRETER
"""

# Where the target's own table gives the value: members of _Py_DebugOffsets, which is the first
# thing in _PyRuntime (Include/internal/pycore_runtime.h; pycore_debug_offsets.h from 3.14 on).
DEBUG_OFFSETS = """
[3.13-]
table.version = version
table.free_threaded = free_threaded
runtime.interpreters_head = runtime_state.interpreters_head
interp.id = interpreter_state.id
interp.next = interpreter_state.next
interp.threads_head = interpreter_state.threads_head
interp.sys_modules = interpreter_state.imports_modules
interp.sysdict = interpreter_state.sysdict
thread.next = thread_state.next
thread.current_frame = thread_state.current_frame
thread.native_thread_id = thread_state.native_thread_id
frame.previous = interpreter_frame.previous
frame.code = interpreter_frame.executable
frame.instr_ptr = interpreter_frame.instr_ptr
frame.size_to_localsplus = interpreter_frame.localsplus
frame.owner = interpreter_frame.owner
code.filename = code_object.filename
code.name = code_object.name
code.qualname = code_object.qualname
code.linetable = code_object.linetable
code.firstlineno = code_object.firstlineno
code.argcount = code_object.argcount
code.localsplusnames = code_object.localsplusnames
code.localspluskinds = code_object.localspluskinds
code.code_adaptive = code_object.co_code_adaptive
object.type = pyobject.ob_type
var.size = tuple_object.ob_size
type.name = type_object.tp_name
type.flags = type_object.tp_flags
tuple.items = tuple_object.ob_item
list.items = list_object.ob_item
dict.keys = dict_object.ma_keys
dict.values = dict_object.ma_values
float.value = float_object.ob_fval
long.tag = long_object.lv_tag
long.digits = long_object.ob_digit
bytes.data = bytes_object.ob_sval
unicode.state = unicode_object.state
unicode.length = unicode_object.length
unicode.ascii_data = unicode_object.asciiobject_size
[3.14-]
frame.stackpointer = interpreter_frame.stackpointer
set.used = set_object.used
set.table = set_object.table
set.mask = set_object.mask
generator.name = gen_object.gi_name
generator.iframe = gen_object.gi_iframe
generator.frame_state = gen_object.gi_frame_state
[3.15-]
type.basicsize = type_object.tp_basicsize
heaptype.size = heap_type_object.size
heaptype.cached_keys = heap_type_object.ht_cached_keys
unicode.compact_data = unicode_object.compactunicodeobject_size
"""


def offset_expressions(version: Version) -> dict[str, str]:
    """Return ``name -> C expression`` of the offsets that ``version`` has."""
    return lines_for(OFFSETS, version)


def debug_expressions(version: Version) -> dict[str, str]:
    """Return ``name -> C expression`` of the places in the target's own table."""
    lines = lines_for(DEBUG_OFFSETS, version)
    places = {name: f"offsetof(_Py_DebugOffsets, {member})" for name, member in lines.items()}
    return {**places, "table.size": "sizeof(_Py_DebugOffsets)"} if places else {}


def lines_for(table: str, version: Version) -> dict[str, str]:
    """Return the ``name = value`` lines of a table that hold for ``version``."""
    found: dict[str, str] = {}
    holds = False
    for line in table.splitlines():
        if line.startswith("["):
            first, last = version_range(line.strip("[]"))
            holds = first <= version <= last
        elif holds and " = " in line and not line.startswith("#"):
            name, _, value = line.partition(" = ")
            if name in found:
                raise ValueError(f"{name} is given twice for {version}")
            found[name] = value
    return found


def version_range(heading: str) -> tuple[Version, Version]:
    """Return the first and last minor version that a heading such as ``3.12-3.14`` names."""
    if heading == "all":
        return OLDEST, NEWEST
    found = re.fullmatch(r"3\.(\d+)-(?:3\.(\d+))?", heading)
    if found is None:
        raise ValueError(f"not a range of versions: {heading!r}")
    return (3, int(found[1])), (3, int(found[2])) if found[2] else NEWEST
