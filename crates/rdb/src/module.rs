//! Data of modules: nobody but the module understands it, but it can be walked and named.
use crate::fault::{FaultCode, HazardCode};
use crate::reader::Reader;
use crate::stop::{Result, broken};
use crate::value::{Notes, skip_text};

const UINT: u64 = 2;

/// Walks a module's value.
pub(crate) fn value(reader: &mut Reader<'_>, notes: &mut Notes) -> Result<u64> {
    let id = reader.number()?;
    let name = name(id);
    parts(reader, &name)?;
    let version = id & 0x3ff;
    let message = format!("value of module type {name}, encoding version {version}");
    notes.hazards.push((HazardCode::ModuleData, message));
    notes.modules.push(name);
    Ok(1)
}

/// Walks a module's auxiliary data, which stands outside of keys.
pub(crate) fn auxiliary(reader: &mut Reader<'_>, notes: &mut Notes) -> Result<()> {
    let id = reader.number()?;
    let name = name(id);
    let opcode = reader.number()?;
    if opcode != UINT {
        let message = format!("auxiliary data of module {name} begins with opcode {opcode}; expected {UINT}");
        return broken(FaultCode::BadModule, message);
    }
    reader.number()?;
    parts(reader, &name)?;
    notes.hazards.push((HazardCode::ModuleData, format!("auxiliary data of module type {name}")));
    notes.modules.push(name);
    Ok(())
}

/// Walks the metadata that modules hang on a key.
pub(crate) fn key_metadata(reader: &mut Reader<'_>, notes: &mut Notes) -> Result<()> {
    let classes = reader.count(5)?;
    for _ in 0..classes {
        reader.skip(4)?;
        parts(reader, "key metadata")?;
    }
    notes.hazards.push((HazardCode::ModuleData, format!("{classes} classes of key metadata")));
    Ok(())
}

/// Typed parts up to the end mark.
fn parts(reader: &mut Reader<'_>, name: &str) -> Result<()> {
    loop {
        let at = reader.offset();
        match reader.number()? {
            0 => return Ok(()),
            1 | UINT => {
                reader.number()?;
            }
            3 => reader.skip(4)?,
            4 => reader.skip(8)?,
            5 => {
                skip_text(reader)?;
            }
            opcode => {
                let message =
                    format!("data of module {name} has opcode {opcode} at offset {at}; expected 0 to 5");
                return broken(FaultCode::BadModule, message);
            }
        }
    }
}

/// The nine characters in the upper 54 bits of a module type id.
fn name(id: u64) -> String {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let shifts = (0..9).rev().map(|place| 10 + 6 * place);
    shifts.map(|shift| char::from(CHARACTERS[(id >> shift & 0x3f) as usize])).collect()
}
