//! Function libraries (`functions.c`): their code, and what the server keeps per library and per function. The memory
//! of the interpreter itself is not in `used_memory` of any engine here.

use crate::{
    engine::{allocator::Quantum, layout::Functions, settings::Settings},
    structures::{
        strings::{own_sds, sds},
        tables::{DICT_BYTES, ENTRY_BYTES, dict_buckets, unmoved_buckets},
    },
};

/// The assumed length of names, which are not read. From 7 to 12 bytes it makes no difference.
const NAME_BYTES: u64 = 12;
/// `functionLibInfo`: name, functions, engine, code.
const LIBRARY_BYTES: u64 = 32;
/// `functionInfo` of Redis 7.0 and Valkey up to 8.0: name, function, library, description, flags.
const FUNCTION_BYTES: u64 = 40;
/// `luaFunctionCtx`: a number.
const REFERENCE_BYTES: u64 = 4;
/// `functionInfo` since Valkey 8.1: the compiled function, and the library.
const COMPILED_INFO_BYTES: u64 = 16;
/// `compiledFunction` of Valkey 8.1: name, function, description, flags.
const COMPILED_BYTES: u64 = 32;
/// `compiledFunction` of Valkey 9, which has a version too (`ValkeyModuleScriptingEngineCompiledFunctionV1`).
const VERSIONED_BYTES: u64 = 40;
/// `luaFunction` with the state that it belongs to.
const LUA_FUNCTION_BYTES: u64 = 16;
/// An object with an embedded text: `robj`, the text's header of type 8, its terminator.
const EMBEDDED_OVERHEAD_BYTES: u64 = 20;
/// The share of an entry in a table that doubles: between 8 and 16 bytes.
const SHARE_OF_BUCKETS_BYTES: u64 = 12;

/// The memory of libraries under some settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FunctionCosts {
    quantum: Quantum,
    has_functions: bool,
    library: u64,
    function: u64,
}

impl FunctionCosts {
    pub(crate) fn new(settings: Settings) -> Self {
        let Settings { generation, quantum, .. } = settings;
        let of = |bytes| quantum.allocation(bytes);
        let (entry, name) = (of(ENTRY_BYTES), own_sds(NAME_BYTES, quantum));
        // Including its entry among the libraries.
        let library = of(LIBRARY_BYTES) + of(DICT_BYTES) + entry + 2 * name + SHARE_OF_BUCKETS_BYTES;
        // A function has an entry among all functions and one in its library, each with a copy of its name.
        let entries = 2 * (entry + name) + SHARE_OF_BUCKETS_BYTES;
        let compiled = |head| {
            of(head)
                + of(COMPILED_INFO_BYTES)
                + of(LUA_FUNCTION_BYTES)
                + of(EMBEDDED_OVERHEAD_BYTES + NAME_BYTES)
        };
        let functions = generation.layout().functions;
        let own = match functions {
            Functions::Unknown | Functions::Referenced => of(FUNCTION_BYTES) + of(REFERENCE_BYTES) + name,
            Functions::Compiled => compiled(COMPILED_BYTES),
            Functions::CompiledVersioned => compiled(VERSIONED_BYTES),
        };
        Self { quantum, has_functions: functions != Functions::Unknown, library, function: entries + own }
    }

    /// A library with `code_bytes` bytes of code, without its functions.
    pub(crate) fn library(&self, code_bytes: u64) -> u64 {
        if self.has_functions { self.library + self.quantum.allocation(sds(code_bytes)) } else { 0 }
    }

    /// The functions of one library, with its table of them.
    pub(crate) fn functions(&self, functions: u64) -> u64 {
        if !self.has_functions || functions == 0 {
            return 0;
        }
        let buckets = |buckets| if buckets > 0 { self.quantum.allocation(8 * buckets) } else { 0 };
        let table = buckets(dict_buckets(functions)) + buckets(unmoved_buckets(functions, 1.0));
        functions.saturating_mul(self.function) + table
    }
}
