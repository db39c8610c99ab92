use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::spec::{AntiReplay, HmacMode};

fn auth() -> AuthHmac {
    let id = KeyId::new(1).unwrap();
    AuthHmac {
        keys: BTreeMap::from([(id, HmacKey::new((0..32).collect()).unwrap())]),
        active_key: id,
        mode: HmacMode::Enforce,
        time_window: Duration::from_secs(5),
        anti_replay: AntiReplay::Time,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

const SEQUENCE: Sequence = Sequence(0x6800_0000_8000_0000);

struct Vector {
    source: &'static str,
    advert: &'static str,
    trailer: &'static str,
}

/// Those of keepalived 2.4.
const VECTORS: [Vector; 2] = [
    Vector {
        source: "198.51.100.10",
        advert: "3133c80100644402c0000264",
        trailer: "0101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265",
    },
    Vector {
        source: "fe80::10",
        advert: "3133c8010064a2e9fe800000000000000000000000000100",
        trailer: "010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78",
    },
];

#[test]
fn the_trailer_is_keepalived_s() {
    for vector in VECTORS {
        let signed = sign(&auth(), vector.source.parse().unwrap(), &bytes(vector.advert), SEQUENCE);
        assert_eq!(signed.unwrap().to_vec(), bytes(vector.trailer));
    }
}

#[test]
fn keepalived_s_trailer_is_verified() {
    for vector in VECTORS {
        let source = vector.source.parse().unwrap();
        let verified = verify(&auth(), source, &bytes(vector.advert), &bytes(vector.trailer));
        assert_eq!(verified, Ok(SEQUENCE));
    }
}

/// One bit of the advert and then of the trailer flipped, for all of them.
fn flipped(vector: &Vector, bit: usize) -> Result<Sequence, TrailerError> {
    let mut packet = [bytes(vector.advert), bytes(vector.trailer)].concat();
    packet[bit / 8] ^= 1 << (bit % 8);
    let (advert, trailer) = packet.split_at(packet.len() - LEN);
    verify(&auth(), vector.source.parse().unwrap(), advert, trailer)
}

#[test]
fn one_flipped_bit_is_found_everywhere_but_in_the_checksum() {
    for vector in VECTORS {
        let advert_len = bytes(vector.advert).len();
        for bit in 0..(advert_len + LEN) * 8 {
            let expected = match bit / 8 {
                6 | 7 => Ok(SEQUENCE),
                byte if byte < advert_len => Err(TrailerError::Mismatch),
                byte => match byte - advert_len {
                    0 | 2 | 3 => Err(TrailerError::Malformed),
                    1 => Err(TrailerError::UnknownKey),
                    _ => Err(TrailerError::Mismatch),
                },
            };
            assert_eq!(flipped(&vector, bit), expected, "bit {bit} of {}", vector.source);
        }
    }
}

#[test]
fn another_source_address_is_found() {
    let source = "198.51.100.11".parse().unwrap();
    let verified = verify(&auth(), source, &bytes(VECTORS[0].advert), &bytes(VECTORS[0].trailer));
    assert_eq!(verified, Err(TrailerError::Mismatch));
}

#[test]
fn a_trailer_of_another_length_is_malformed() {
    let (source, trailer) = (VECTORS[0].source.parse().unwrap(), bytes(VECTORS[0].trailer));
    for length in 0..LEN {
        let verified = verify(&auth(), source, &bytes(VECTORS[0].advert), &trailer[..length]);
        assert_eq!(verified, Err(TrailerError::Malformed));
    }
}

#[test]
fn without_the_active_key_nothing_is_signed() {
    let auth = AuthHmac { active_key: KeyId::new(2).unwrap(), ..auth() };
    assert_eq!(sign(&auth, "192.0.2.1".parse().unwrap(), &[0; 12], SEQUENCE), None);
}

#[test]
fn a_sequence_number_tells_its_time_to_1_65536_s() {
    let time = UnixTime(1_744_830_464_500_000);
    assert_eq!(Sequence::at(time), SEQUENCE);
    assert_eq!(SEQUENCE.time(), time);
    let odd = UnixTime(1_744_830_464_999_999);
    assert!(odd.0 - Sequence::at(odd).time().0 < 16);
}
