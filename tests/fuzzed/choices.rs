//! Arbitrary bytes as a series of choices, so that what is made of them is meaningful and small changes stay small.

/// Bytes, one choice each; none is left when they are used up.
pub struct Choices<'b>(std::slice::Iter<'b, u8>);

impl<'b> Choices<'b> {
    pub fn of(bytes: &'b [u8]) -> Self {
        Self(bytes.iter())
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    pub fn next(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }

    /// An element; `None` as well if there is none.
    pub fn one_of<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let choice = self.next()?;
        list.get(choice.checked_rem(list.len())?).copied()
    }

    /// So many bytes, or what is left.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        self.0.by_ref().take(count).copied().collect()
    }
}
