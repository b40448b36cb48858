//! Collects the strings of a file by the work that they need, so that each kind of work can run alone.
use super::{
    listpack::entries,
    lzf::{Compressed, Unpacker},
    strings::Strings,
    walk::{Packing, Role, Text, Watcher},
};

/// The strings of a file.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) keys: Strings,
    /// Compressed strings with contents that are not needed: it suffices that their tokens give the declared length.
    pub(super) proven: Compressed,
    /// Compressed strings whose contents are needed: keys, members, packed collections.
    pub(super) opened: Compressed,
    /// Listpacks, decompressed.
    pub(super) listpacks: Strings,
    /// Members and fields of tables and listpacks, which could be duplicates.
    pub(super) members: Strings,
    /// Number of members in each value.
    pub(super) values: Vec<u64>,
    unpacker: Unpacker,
}

impl<'f> Watcher<'f> for Collected {
    fn text(&mut self, role: Role, text: Text<'f>) {
        match (role, text) {
            (Role::Other, Text::Plain(_)) => {}
            (Role::Other, Text::Lzf { packed, declared }) => self.proven.push(packed, declared),
            (role, Text::Plain(contents)) => self.contents(role, contents),
            (role, Text::Lzf { packed, declared }) => {
                self.opened.push(packed, declared);
                let mut one = Compressed::default();
                one.push(packed, declared);
                let mut unpacker = std::mem::take(&mut self.unpacker);
                unpacker.each(&one, |contents| self.contents(role, contents));
                self.unpacker = unpacker;
            }
        }
    }

    fn table(&mut self, members: u64) {
        self.values.push(members);
    }
}

impl Collected {
    fn contents(&mut self, role: Role, contents: &[u8]) {
        match role {
            Role::Key => self.keys.push(contents),
            Role::Member => self.members.push(contents),
            // The order of an intset proves that it has no duplicates.
            Role::Other | Role::Packed(Packing::Intset) => {}
            Role::Packed(packing) => {
                self.listpacks.push(contents);
                self.members_of(packing, contents);
            }
        }
    }

    fn members_of(&mut self, packing: Packing, listpack: &[u8]) {
        let every = match packing {
            Packing::Set => 1,
            Packing::Pairs => 2,
            Packing::Items | Packing::Intset => return,
        };
        let (before, mut index) = (self.members.len(), 0);
        entries(listpack, |entry| {
            if index % every == 0 {
                self.members.push(entry);
            }
            index += 1;
        });
        self.values.push((self.members.len() - before) as u64);
    }
}
