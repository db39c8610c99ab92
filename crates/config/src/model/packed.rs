//! A sequence that is kept as bytes.

use std::fmt;
use std::marker::PhantomData;

use postcard::ser_flavors::Flavor;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values that are looked at one after the other, each made anew from its bytes.
///
/// **As bytes, the virtual servers of thousands take a tenth of the memory**, in one piece: a process that only hands them
/// on never has more than one of them. In a message to another process the bytes go as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed<T> {
    /// One encoding behind the other, each different from the one before.
    bytes: Vec<u8>,
    length: usize,
    /// Where the last encoding begins.
    last: usize,
    /// Where encodings begin that stand for several values, and how many more than one; in order.
    repeated: Vec<(usize, usize)>,
    values: PhantomData<fn() -> T>,
}

/// A value that is of no use in bytes.
pub type Unpackable = postcard::Error;

impl<T> Packed<T> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<T: Serialize> Packed<T> {
    /// Has room for this many bytes more. What is not used of it costs nothing: large pieces are given out by the kernel page
    /// by page.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Adds a value at the end.
    ///
    /// # Errors
    /// It cannot be encoded, which is a property of its type, and nothing is added.
    pub fn push(&mut self, value: &T) -> Result<(), Unpackable> {
        let before = self.bytes.len();
        let pushed = postcard::serialize_with_flavor(value, Behind(&mut self.bytes));
        if pushed.is_err() {
            self.bytes.truncate(before);
            return pushed;
        }
        let again = self.length > 0 && self.bytes.get(self.last..before) == self.bytes.get(before..);
        self.length += 1;
        if !again {
            self.last = before;
            return Ok(());
        }
        self.bytes.truncate(before);
        match self.repeated.last_mut() {
            Some((start, more)) if *start == self.last => *more += 1,
            _ => self.repeated.push((self.last, 1)),
        }
        Ok(())
    }

    /// Those of a list.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn of(values: &[T]) -> Result<Self, Unpackable> {
        let mut packed = Self::default();
        values.iter().try_for_each(|value| packed.push(value))?;
        Ok(packed)
    }
}

/// Encodes to the end of these bytes.
struct Behind<'b>(&'b mut Vec<u8>);

impl Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl<T: DeserializeOwned> Packed<T> {
    /// The values, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        let mut repeated = self.repeated.iter().peekable();
        let (mut start, mut more) = (0, 0_usize);
        // What was encoded here can be decoded here; what came in a message and cannot ends the sequence.
        std::iter::from_fn(move || {
            let (value, after) = postcard::take_from_bytes::<T>(self.bytes.get(start..)?).ok()?;
            if let Some((_, times)) = repeated.next_if(|(of, _)| *of == start) {
                more = times + 1;
            }
            more = more.saturating_sub(1);
            if more == 0 {
                start = self.bytes.len() - after.len();
            }
            Some(value)
        })
        .take(self.length)
    }
}

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), length: 0, last: 0, repeated: Vec::new(), values: PhantomData }
    }
}

impl<T: DeserializeOwned + fmt::Debug> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Serialize + DeserializeOwned> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_seq(self.iter());
        }
        (self.length, self.last, &self.repeated, serde_bytes::Bytes::new(&self.bytes)).serialize(serializer)
    }
}

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_seq(Values(PhantomData));
        }
        let (length, last, repeated, bytes) =
            <(usize, usize, Vec<(usize, usize)>, serde_bytes::ByteBuf)>::deserialize(deserializer)?;
        Ok(Self { bytes: bytes.into_vec(), length, last, repeated, values: PhantomData })
    }
}

/// Packs what is read one by one.
struct Values<T>(PhantomData<fn() -> T>);

impl<'de, T: Serialize + DeserializeOwned> Visitor<'de> for Values<T> {
    type Value = Packed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut packed = Packed::default();
        while let Some(value) = values.next_element()? {
            packed.push(&value).map_err(serde::de::Error::custom)?;
        }
        Ok(packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<String> {
        ["one", "", "three of them"].map(str::to_owned).to_vec()
    }

    #[test]
    fn values_come_back_in_their_order() {
        let packed = Packed::of(&words()).unwrap();
        assert_eq!((packed.len(), packed.is_empty()), (3, false));
        assert_eq!(packed.iter().collect::<Vec<_>>(), words());
    }

    #[test]
    fn the_same_again_takes_no_bytes() {
        let words = ["a", "a", "b", "c", "c", "c", "a"].map(str::to_owned);
        let mut packed = Packed::of(&words).unwrap();
        assert_eq!(packed.bytes, *b"\x01a\x01b\x01c\x01a");
        assert_eq!((packed.len(), packed.iter().collect::<Vec<_>>()), (7, words.to_vec()));
        packed.push(&words[0]).unwrap();
        let message = postcard::to_allocvec(&packed).unwrap();
        let mut copy = postcard::from_bytes::<Packed<String>>(&message).unwrap();
        copy.push(&words[0]).unwrap();
        assert_eq!(copy.iter().skip(6).collect::<Vec<_>>(), ["a", "a", "a"]);
        assert_eq!(copy.bytes, packed.bytes);
    }

    #[test]
    fn a_message_takes_them_as_bytes_and_json_as_a_list() {
        let packed = Packed::of(&words()).unwrap();
        let message = postcard::to_allocvec(&packed).unwrap();
        assert_eq!(postcard::from_bytes::<Packed<String>>(&message).unwrap(), packed);
        let text = serde_json::to_string(&packed).unwrap();
        assert_eq!(text, serde_json::to_string(&words()).unwrap());
        assert_eq!(serde_json::from_str::<Packed<String>>(&text).unwrap(), packed);
    }

    #[test]
    fn what_cannot_be_decoded_ends_the_sequence() {
        let (none, bytes) = ([(0_usize, 0_usize); 0], serde_bytes::Bytes::new(&[1, b'a', 9]));
        let message = postcard::to_allocvec(&(3_usize, 0_usize, &none[..], bytes)).unwrap();
        let packed = postcard::from_bytes::<Packed<String>>(&message).unwrap();
        assert_eq!(packed.iter().collect::<Vec<_>>(), ["a"]);
    }
}
