//! Weighs a value by a hash of all its pieces, so that a piece shows that is missing, repeated or out of order.

use std::hash::{DefaultHasher, Hash, Hasher};

use rdb_scan::{KeyPiece, Length, Mark, PackedPiece, Piece, Pieces, Row, Scales, Weigher, Weighing};

/// For [`rdb_scan::InspectOptions::weighings`].
pub fn tape() -> Vec<Weighing> {
    vec![Weighing::by(Tape::default())]
}

#[derive(Default)]
struct Tape {
    value: u64,
    rows: u64,
    slots: std::collections::BTreeMap<u16, u64>,
    /// Bytes of libraries, plus a million for each function.
    everywhere: u64,
    mark: Option<Mark>,
    marked: Vec<(Mark, u64)>,
}

impl Scales for Tape {
    fn id(&self) -> String {
        "tape".to_owned()
    }

    fn weigher(&self) -> Box<dyn Weigher> {
        Box::new(Self::default())
    }
}

impl Tape {
    fn add(&mut self, told: &str) {
        let mut hasher = DefaultHasher::new();
        (self.value, told).hash(&mut hasher);
        self.value = hasher.finish();
    }

    fn of_string(key: KeyPiece, value: Length) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{key:?}{value:?}").hash(&mut hasher);
        hasher.finish() >> 32
    }

    fn of_packed(PackedPiece { key, encoding, bytes, elements }: &PackedPiece) -> u64 {
        let mut alone = Self::default();
        let begin = [Piece::Begin(*encoding), Piece::Packed(*bytes), Piece::Elements(*elements)];
        begin.iter().chain([&Piece::End(*key)]).for_each(|piece| alone.add(&format!("{piece:?}")));
        alone.value >> 32
    }

    fn add_rows(&mut self, row: Row, count: u64) {
        let mut hasher = DefaultHasher::new();
        format!("{row:?}").hash(&mut hasher);
        self.rows = self.rows.wrapping_add(count.wrapping_mul(hasher.finish()));
    }
}

impl Weigher for Tape {
    fn weigh(&mut self, pieces: &Pieces) {
        for (key, value) in pieces.strings() {
            *self.slots.entry(key.slot).or_default() += Self::of_string(*key, *value);
        }
        for piece in pieces.packed() {
            *self.slots.entry(piece.key.slot).or_default() += Self::of_packed(piece);
        }
        let strings = pieces.marked_strings().map(|(mark, key, value)| (mark, Self::of_string(key, value)));
        let packed = pieces.marked_packed().map(|(mark, piece)| (mark, Self::of_packed(piece)));
        self.marked.extend(strings.chain(packed));
        for piece in pieces.list() {
            // Rows are added in any order, and members of large tables come as rows or by length.
            if let Piece::Members = piece {
                for (bytes, count) in pieces.members() {
                    self.add_rows(Row { member: Length::text(bytes), value: Length::default() }, count);
                }
                continue;
            }
            if let Piece::Rows(places) = piece {
                pieces.rows(*places).iter().for_each(|row| self.add_rows(*row, 1));
                continue;
            }
            // The number of a mark depends on the part of a file that is read.
            if let Piece::Marked(mark) = piece {
                self.mark = Some(*mark);
                continue;
            }
            let text = match piece {
                Piece::StreamNode(text)
                | Piece::Group(text)
                | Piece::Pending(text)
                | Piece::Consumer(text)
                | Piece::Owned(text) => pieces.text(*text),
                _ => &[],
            };
            let of_text = matches!(piece, Piece::StreamNode(_) | Piece::Group(_) | Piece::Consumer(_));
            // The place of a text in its batch is not part of the value.
            let kind = std::mem::discriminant(piece);
            if let Piece::Pending(_) | Piece::Owned(_) = piece {
                // A batch has as many ids as were in memory.
                text.chunks(16).for_each(|id| self.add(&format!("{kind:?}{id:?}")));
                continue;
            }
            let told = if of_text { format!("{kind:?}{text:?}") } else { format!("{piece:?}") };
            if let Piece::Begin(_) = piece {
                (self.value, self.rows) = (0, 0);
            }
            self.add(&told);
            if let Piece::End(key) = piece {
                let weight = (self.value ^ self.rows) >> 32;
                *self.slots.entry(key.slot).or_default() += weight;
                self.marked.extend(self.mark.take().map(|mark| (mark, weight)));
                (self.value, self.rows) = (0, 0);
            }
        }
    }

    fn marked(&mut self, tell: &mut dyn FnMut(Mark, u64)) {
        self.marked.drain(..).for_each(|(mark, weight)| tell(mark, weight));
    }

    fn library(&mut self, code_bytes: u64) {
        self.everywhere += code_bytes;
    }

    fn functions(&mut self, registered: u64) {
        self.everywhere += 1_000_000 * registered;
    }

    fn take_everywhere(&mut self) -> u64 {
        std::mem::take(&mut self.everywhere)
    }

    fn take(&mut self) -> Vec<(u16, u64)> {
        (self.value, self.rows, self.mark) = (0, 0, None);
        std::mem::take(&mut self.slots).into_iter().collect()
    }

    fn suspend(&mut self) -> String {
        format!("{} {}", std::mem::take(&mut self.value), std::mem::take(&mut self.rows))
    }

    fn resume(&mut self, known: &str) {
        let (value, rows) = known.split_once(' ').unwrap_or(("0", "0"));
        (self.value, self.rows) = (value.parse().unwrap(), rows.parse().unwrap());
    }
}
