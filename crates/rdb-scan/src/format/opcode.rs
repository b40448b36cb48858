//! The opcodes of the format: one table, from which everything about an opcode is derived.

use super::Magic;

/// Where the record of an opcode may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before a value type: it says something about the next key.
    BeforeKey,
    /// Between two keys.
    BetweenKeys,
    /// After the last key.
    End,
}

/// What follows an opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// This many bytes.
    Bytes(usize),
    /// This many numbers in the format of lengths.
    Numbers(usize),
    /// Strings, or a layout of its own.
    Other,
}

macro_rules! opcodes {
    ($($id:literal $magic:ident $variant:ident $place:ident $body:expr;)*) => {
        /// An opcode: a number where a value type could be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Opcode {
            $($variant,)*
        }

        impl Opcode {
            /// Its number in the file.
            pub(crate) const fn id(self) -> u8 {
                match self { $(Self::$variant => $id,)* }
            }

            /// The opcode with this number under this magic.
            #[inline]
            pub(crate) const fn of(id: u8, magic: Magic) -> Option<Self> {
                match (id, magic) {
                    $(($id, opcodes!(@magic $magic)) => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Where its record may be.
            pub(crate) const fn place(self) -> Place {
                match self { $(Self::$variant => Place::$place,)* }
            }

            /// What follows it.
            #[inline]
            pub(crate) const fn body(self) -> Body {
                match self { $(Self::$variant => $body,)* }
            }
        }
    };
    (@magic Both) => { Magic::Redis | Magic::Valkey };
    (@magic Redis) => { Magic::Redis };
    (@magic Valkey) => { Magic::Valkey };
}

use Body::{Bytes, Numbers, Other};

// Sources: rdb.h of Redis 8.8 and Valkey 9.1; for 107 and 121, files of Redis Enterprise.
opcodes! {
    //  magic  variant          place       body
    // Redis Enterprise: when the key was last used in RAM.
    107 Both   EnterpriseRamLru BeforeKey   Numbers(1);
    // Redis Enterprise: the key's slot.
    121 Both   EnterpriseSlot   BeforeKey   Numbers(1);
    // Data that modules attach to a key.
    243 Redis  KeyMetadata      BeforeKey   Other;
    // A slot that is being imported into the cluster.
    243 Valkey SlotImport       BetweenKeys Other;
    244 Both   SlotInfo         BetweenKeys Numbers(3);
    245 Both   Functions        BetweenKeys Other;
    // Functions as a release candidate of 7.0 wrote them, which releases refuse.
    246 Both   FunctionsPreGa   BetweenKeys Other;
    247 Both   ModuleAux        BetweenKeys Other;
    248 Both   Idle             BeforeKey   Numbers(1);
    249 Both   Freq             BeforeKey   Bytes(1);
    250 Both   Aux              BetweenKeys Other;
    251 Both   ResizeDb         BetweenKeys Numbers(2);
    252 Both   ExpireTimeMs     BeforeKey   Bytes(8);
    253 Both   ExpireTime       BeforeKey   Bytes(4);
    254 Both   SelectDb         BetweenKeys Numbers(1);
    255 Both   Eof              End         Bytes(0);
}

impl Opcode {
    /// Whether an opcode has this number, under either magic.
    pub(crate) const fn is_id(id: u8) -> bool {
        Self::of(id, Magic::Redis).is_some() || Self::of(id, Magic::Valkey).is_some()
    }
}
