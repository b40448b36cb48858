//! The combinations of form and meaning, checked whole or as they pass.

use super::{Form, Groups, Intset, Items, Listpack, Meaning, Node, Scores, Seen, Ziplist, Zipmap};
use crate::{
    bytes::stop::Result,
    fault::FaultCode::{BadListpack, BadZiplist, BadZipmap},
};

/// The form of a packed collection, and the meaning of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    ListpackList,
    ListpackSet,
    ListpackHash,
    ListpackHashWithExpiry,
    ListpackZset,
    /// The node of a stream with this index.
    ListpackNode(u64),
    ZiplistList,
    ZiplistHash,
    ZiplistZset,
    ZipmapHash,
    IntsetSet,
}

/// A packed collection that is checked as it passes.
pub(crate) trait Passing {
    /// See [`Form::feed`].
    fn feed(&mut self, chunk: &[u8], seen: &mut Seen) -> Result<usize>;
    /// See [`Meaning::end`].
    fn end(&mut self, seen: &mut Seen) -> Result<u64>;
}

impl Packing {
    /// Checks a complete collection. Returns the number of its elements.
    #[inline]
    pub(crate) fn check(self, bytes: &[u8], seen: &mut Seen) -> Result<u64> {
        self.choose(bytes.len() as u64, WholePack { bytes, seen })
    }

    /// Starts to check a collection of `bytes` bytes as they pass.
    pub(crate) fn passing(self, bytes: u64) -> Box<dyn Passing + Send> {
        self.choose(bytes, Boxed)
    }

    #[inline]
    fn choose<U: Use>(self, bytes: u64, chosen: U) -> U::Output {
        match self {
            Self::ListpackList => chosen.run(Listpack::new(bytes), Items::default()),
            Self::ListpackSet => chosen.run(Listpack::new(bytes), Groups::<1>::new(BadListpack)),
            Self::ListpackHash => chosen.run(Listpack::new(bytes), Groups::<2>::new(BadListpack)),
            Self::ListpackHashWithExpiry => chosen.run(Listpack::new(bytes), Groups::<3>::new(BadListpack)),
            Self::ListpackZset => chosen.run(Listpack::new(bytes), Scores::new(BadListpack)),
            Self::ListpackNode(node) => chosen.run(Listpack::new(bytes), Node::new(node)),
            Self::ZiplistList => chosen.run(Ziplist::new(bytes), Items::default()),
            Self::ZiplistHash => chosen.run(Ziplist::new(bytes), Groups::<2>::new(BadZiplist)),
            Self::ZiplistZset => chosen.run(Ziplist::new(bytes), Scores::new(BadZiplist)),
            Self::ZipmapHash => chosen.run(Zipmap::new(bytes), Groups::<2>::new(BadZipmap)),
            Self::IntsetSet => chosen.run(Intset::new(bytes), Items::default()),
        }
    }
}

/// An operation on a form and a meaning.
trait Use {
    type Output;
    fn run<F: Form + Send + 'static, M: Meaning + Send + 'static>(self, form: F, meaning: M) -> Self::Output;
}

struct WholePack<'b> {
    bytes: &'b [u8],
    seen: &'b mut Seen,
}

impl Use for WholePack<'_> {
    type Output = Result<u64>;

    fn run<F: Form, M: Meaning>(self, mut form: F, mut meaning: M) -> Result<u64> {
        form.feed(self.bytes, &mut meaning, self.seen)?;
        meaning.end(self.seen)
    }
}

struct Boxed;

impl Use for Boxed {
    type Output = Box<dyn Passing + Send>;

    fn run<F: Form + Send + 'static, M: Meaning + Send + 'static>(self, form: F, meaning: M) -> Self::Output {
        Box::new(Pair { form, meaning })
    }
}

struct Pair<F, M> {
    form: F,
    meaning: M,
}

impl<F: Form, M: Meaning> Passing for Pair<F, M> {
    fn feed(&mut self, chunk: &[u8], seen: &mut Seen) -> Result<usize> {
        self.form.feed(chunk, &mut self.meaning, seen)
    }

    fn end(&mut self, seen: &mut Seen) -> Result<u64> {
        self.meaning.end(seen)
    }
}
