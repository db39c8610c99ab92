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
    /// One behind the other, each as what is different in it from the one before: two lengths that are the same as there,
    /// at its beginning and at its end, and the bytes between, with their length before them.
    bytes: Vec<u8>,
    length: usize,
    /// The last encoding, whole.
    last: Vec<u8>,
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
        let mut next = Vec::with_capacity(self.last.len() + 16);
        postcard::serialize_with_flavor(value, Behind(&mut next))?;
        let beginning = self.last.iter().zip(&next).take_while(|(one, other)| one == other).count();
        let [rest, new] = [&self.last, &next].map(|all| all.get(beginning..).unwrap_or_default());
        let end = rest.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
        let between = new.get(..new.len() - end).unwrap_or_default();
        let change = (beginning, end, serde_bytes::Bytes::new(between));
        postcard::serialize_with_flavor(&change, Behind(&mut self.bytes))?;
        self.length += 1;
        self.last = next;
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
        let (mut changes, mut last) = (self.bytes.as_slice(), Vec::new());
        // What was encoded here can be decoded here; what came in a message and cannot ends the sequence.
        std::iter::from_fn(move || {
            let ((beginning, end, between), rest) =
                postcard::take_from_bytes::<(usize, usize, &serde_bytes::Bytes)>(changes).ok()?;
            changes = rest;
            let end = last.len().checked_sub(end).filter(|end| beginning <= *end)?;
            last.splice(beginning..end, between.iter().copied());
            postcard::from_bytes(&last).ok()
        })
        .take(self.length)
    }
}

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), length: 0, last: Vec::new(), values: PhantomData }
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
        let [last, bytes] = [&self.last, &self.bytes].map(|bytes| serde_bytes::Bytes::new(bytes));
        (self.length, last, bytes).serialize(serializer)
    }
}

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_seq(Values(PhantomData));
        }
        let (length, last, bytes) =
            <(usize, serde_bytes::ByteBuf, serde_bytes::ByteBuf)>::deserialize(deserializer)?;
        Ok(Self { bytes: bytes.into_vec(), length, last: last.into_vec(), values: PhantomData })
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
    fn of_a_value_only_what_is_different_is_kept() {
        let words = ["10.0.0.1 80", "10.0.0.2 80", "10.0.0.2 80", "", "a"].map(str::to_owned);
        let mut packed = Packed::of(&words).unwrap();
        // Each is a length and the text.
        assert_eq!(packed.bytes, *b"\0\0\x0c\x0b10.0.0.1 80\x08\x03\x012\x0c\0\0\0\0\x01\0\0\0\x02\x01a");
        packed.push(&"b".to_owned()).unwrap();
        let message = postcard::to_allocvec(&packed).unwrap();
        let mut copy = postcard::from_bytes::<Packed<String>>(&message).unwrap();
        copy.push(&"bc".to_owned()).unwrap();
        assert_eq!(copy.iter().take(5).collect::<Vec<_>>(), words);
        assert_eq!(copy.iter().skip(5).collect::<Vec<_>>(), ["b", "bc"]);
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
        let message = |changes: &[u8]| {
            let [last, bytes] = [&[], changes].map(serde_bytes::Bytes::new);
            postcard::to_allocvec(&(3_usize, last, bytes)).unwrap()
        };
        for wrong in [&b"\x03"[..], b"\0\0\x02\x09b", b"\x09\0\0", b"\0\x09\0", b"\x02\x01\0"] {
            let message = message(&[b"\0\0\x02\x01a", wrong].concat());
            let packed = postcard::from_bytes::<Packed<String>>(&message).unwrap();
            assert_eq!(packed.iter().collect::<Vec<_>>(), ["a"], "{wrong:?}");
        }
    }
}
