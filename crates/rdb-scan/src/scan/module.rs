//! Data of modules. Only the module understands it, but it can be walked and named.

use serde::{Deserialize, Serialize};

use super::{ahead::Then, text::Shared};
use crate::{
    bytes::{
        cursor::Cursor,
        stop::{Result, broken},
    },
    fault::FaultCode,
};

const UINT: u64 = 2;

/// A sequence of typed parts up to an end mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Module {
    id: u64,
    done: bool,
}

impl Module {
    /// Reads the type id of a value.
    pub(crate) fn value(cursor: &mut Cursor<'_>) -> Result<Self> {
        Ok(Self { id: cursor.number()?, done: false })
    }

    /// Reads the start of auxiliary data, which is outside of keys.
    pub(crate) fn auxiliary(cursor: &mut Cursor<'_>) -> Result<Self> {
        let module = Self::value(cursor)?;
        let opcode = cursor.number()?;
        if opcode != UINT {
            let name = module.name();
            let message =
                format!("auxiliary data of module {name} begins with opcode {opcode}; expected {UINT}");
            return broken(FaultCode::BadModule, message);
        }
        cursor.number()?;
        Ok(module)
    }

    /// Reads the start of a class of metadata that a module attaches to a key.
    pub(crate) fn key_metadata(cursor: &mut Cursor<'_>) -> Result<Self> {
        cursor.take(4)?;
        Ok(Self { id: 0, done: false })
    }

    /// Reads parts up to the end, or up to a string that is not complete.
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        while !self.done && shared.open.is_none() {
            let at = cursor.offset();
            match cursor.number()? {
                0 => self.done = true,
                1 | UINT => {
                    cursor.number()?;
                }
                3 => drop(cursor.array::<4>()?),
                4 => drop(cursor.array::<8>()?),
                5 => drop(shared.pass(cursor, Then::Other)?),
                opcode => {
                    let name = self.name();
                    let message =
                        format!("data of module {name} has opcode {opcode} at offset {at}; expected 0 to 5");
                    return broken(FaultCode::BadModule, message);
                }
            }
            cursor.commit();
        }
        Ok(())
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The version of the encoding, in the lower ten bits of the id.
    pub(crate) fn version(&self) -> u64 {
        self.id & 0x3ff
    }

    /// The nine characters in the upper 54 bits of the id.
    pub(crate) fn name(&self) -> String {
        const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        if self.id == 0 {
            return "of key metadata".to_owned();
        }
        let shifts = (0..9).rev().map(|place| 10 + 6 * place);
        shifts.map(|shift| char::from(CHARACTERS[(self.id >> shift & 0x3f) as usize])).collect()
    }
}

/// The name of the module type with this id.
pub(crate) fn module_name(id: u64) -> String {
    Module { id, done: true }.name()
}
